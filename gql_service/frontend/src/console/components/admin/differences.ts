/** What differs between two documents. */
export interface Difference {
  key: string;
  /** Undefined if there is none. */
  before: unknown;
  after: unknown;
}

type Document = Readonly<Record<string, unknown>>;

export function differencesOf(before: Document, after: Document): Difference[] {
  const old = new Map(Object.entries(before));
  const changed = new Map(Object.entries(after));
  return [...new Set([...old.keys(), ...changed.keys()])]
    .sort()
    .map((key) => ({ key, before: old.get(key), after: changed.get(key) }))
    .filter((each) => JSON.stringify(each.before) !== JSON.stringify(each.after));
}
