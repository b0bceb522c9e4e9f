/** What the viewer has changed and not saved yet. */
import type { PatchPlatformMetadataInput, SaveSettingsMutation } from "../../generated/graphql";
import type { Own, Setting } from "./load";

export interface Change {
  /** The new value. Undefined takes the viewer's own value away. */
  value: unknown;
  /** What the viewer saw when the change began. */
  base: Own | null;
  /** What was typed, where that is more than the value. */
  text?: string;
  /** Why this cannot be saved. */
  problem?: string;
}

export type Draft = ReadonlyMap<string, Change>;
export type UserError = SaveSettingsMutation["patchPlatformMetadata"]["userErrors"][number];

/** `expectedDigests` of one write names at most this many keys. */
export const MAX_CHANGES = 100;

/** Values are equal if their texts are: the server sends the members of objects in a fixed order. */
export const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** The draft with a change; without it, if it would change nothing. */
export function withChange(draft: Draft, setting: Setting, change: Omit<Change, "base">): Draft {
  const base = draft.has(setting.key) ? (draft.get(setting.key)?.base ?? null) : setting.own;
  const next = new Map(draft);
  const before = base ? base.value : setting.effective;
  if (!change.problem && isSame(change.value, before)) next.delete(setting.key);
  else next.set(setting.key, { ...change, base });
  return next;
}

export function without(draft: Draft, keys: Iterable<string>): Draft {
  const next = new Map(draft);
  for (const key of keys) next.delete(key);
  return next;
}

/** The patch that saves changes, if their keys are still as the viewer saw them. */
export function toInput(platformKey: string | null, changes: Draft): PatchPlatformMetadataInput {
  const all = [...changes];
  return {
    platformKey,
    deleteKeys: all.filter(([, change]) => change.value === undefined).map(([key]) => key),
    metadata: Object.fromEntries(
      all.filter(([, change]) => change.value !== undefined).map(([key, change]) => [key, change.value]),
    ),
    expectedDigests: all.map(([key, change]) => ({ key, digest: change.base?.digest ?? null })),
  };
}

/** The changed keys that somebody else has changed meanwhile, to something else. */
export function conflictsOf(draft: Draft, settings: readonly Setting[]): Setting[] {
  return settings.filter((setting) => {
    const change = draft.get(setting.key);
    return change !== undefined && isStale(change, setting) && !isSame(change.value, setting.own?.value);
  });
}

export const isStale = (change: Change, setting: Setting): boolean =>
  (change.base?.digest ?? null) !== (setting.own?.digest ?? null);

/** The draft on top of what is stored now, so that it can be saved. What is stored already is left out. */
export function rebased(draft: Draft, settings: readonly Setting[]): Draft {
  const owns = new Map(settings.map((setting) => [setting.key, setting.own]));
  return new Map(
    [...draft]
      .map(([key, change]) => [key, { ...change, base: owns.get(key) ?? null }] as const)
      .filter(([, change]) => !isSame(change.value, change.base?.value)),
  );
}
