import { useDraft } from "./draft";

export interface Form<Fields> {
  fields: Fields;
  set: (change: Partial<Fields>) => void;
  /** Whether anything differs from what the form begins with. */
  isEdited: boolean;
  discard: () => void;
}

/** The fields of a form in a window. What was changed is a draft: it stays when the window is closed.
 * @param name Unique in the console. @param initial What the form begins with. */
export function useForm<Fields extends object>(name: string, initial: Fields): Form<Fields> {
  const [draft, setDraft] = useDraft<Partial<Fields>>(name);
  return {
    fields: { ...initial, ...draft },
    set: (change) => setDraft((before) => editsOf({ ...before, ...change }, initial)),
    isEdited: draft !== undefined,
    discard: () => setDraft(undefined),
  };
}

/** The fields that differ; undefined if none does. */
function editsOf<Fields extends object>(fields: Partial<Fields>, initial: Fields): Partial<Fields> | undefined {
  const before = new Map<string, unknown>(Object.entries(initial));
  const edits = Object.entries(fields).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before.get(name)));
  return edits.length > 0 ? (Object.fromEntries(edits) as Partial<Fields>) : undefined;
}
