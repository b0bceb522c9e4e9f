import { useState } from "react";
import { useMutation } from "urql";
import { useMessageOf } from "../../components/State";
import { SaveSettingsDocument } from "../../generated/graphql";
import { conflictsOf, type Draft, MAX_CHANGES, rebased, toInput, type UserError, without } from "./draft";
import type { Loaded, Setting } from "./load";

export interface Saving {
  isBusy: boolean;
  /** Why nothing was saved; empty if all is well. */
  problem: string;
  errors: readonly UserError[];
  /** The settings about which the viewer has to decide before anything is saved. */
  conflicts: readonly Setting[];
  closeConflicts: () => void;
  decide: (theirs: readonly string[]) => void;
  save: (changes: Draft) => void;
  canUndo: boolean;
  undo: () => void;
}

interface SavingOptions {
  platformKey: string | null;
  loaded: Loaded;
  draft: Draft;
  setDraft: (change: Draft | ((before: Draft) => Draft)) => void;
  read: (own?: Iterable<string>) => Promise<Loaded | null>;
}

/** Saves a draft, asks about conflicts, and takes the last save back. */
export function useSaving({ platformKey, loaded, draft, setDraft, read }: SavingOptions): Saving {
  const messageOf = useMessageOf();
  const [, mutate] = useMutation(SaveSettingsDocument);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const [isDeciding, setDeciding] = useState(false);
  const [former, setFormer] = useState<ReadonlyMap<string, unknown>>(new Map());

  async function write(changes: Draft): Promise<void> {
    const batch: Draft = new Map([...changes].slice(0, MAX_CHANGES));
    const { data, error } = await mutate({ input: toInput(platformKey, batch) });
    const problems = data?.patchPlatformMetadata.userErrors ?? [];
    const isConflict = problems.some(({ code }) => code === "DIGEST_CONFLICT");
    if (isConflict && (await resolve(changes))) return;
    if (error || problems.length > 0) {
      setErrors(problems);
      setProblem(problems.map(({ message }) => message).join(" ") || (error ? messageOf(error) : ""));
      return;
    }
    setFormer((before) => new Map([...before, ...[...batch].map(([key, change]) => [key, change.base?.value] as const)]));
    await read(batch.keys());
    setDraft((before) => without(before, batch.keys()));
    const rest = without(changes, batch.keys());
    if (rest.size > 0) await write(rest);
  }

  /** Ask about what somebody else has written meanwhile. If it was the same, nothing is left to ask.
   * False if it cannot be read. */
  async function resolve(changes: Draft): Promise<boolean> {
    const now = await read();
    if (!now) return false;
    if (conflictsOf(changes, now.settings).length > 0) {
      setDraft((before) => new Map([...before, ...changes]));
      setDeciding(true);
      return true;
    }
    const rest = rebased(changes, now.settings);
    setDraft(rest);
    if (rest.size > 0) await write(rest);
    return true;
  }

  async function save(changes: Draft): Promise<void> {
    setBusy(true);
    setProblem("");
    setErrors([]);
    setDeciding(false);
    setFormer(new Map());
    try {
      await write(changes);
    } finally {
      setBusy(false);
    }
  }

  return {
    isBusy,
    problem,
    errors,
    conflicts: isDeciding ? conflictsOf(draft, loaded.settings) : [],
    closeConflicts: () => setDeciding(false),
    decide(theirs) {
      const next = rebased(without(draft, theirs), loaded.settings);
      setDraft(next);
      setDeciding(false);
      if (next.size > 0) void save(next);
    },
    save: (changes) => void save(changes),
    canUndo: former.size > 0,
    undo() {
      const back: Draft = new Map([...former].map(([key, value]) => [key, { value, base: null }]));
      void save(rebased(back, loaded.settings));
    },
  };
}
