/** What is typed and not saved yet: it waits while other pages of the console are open, and closing the tab asks. */
import { useCallback, useSyncExternalStore } from "react";
import { useViewer } from "../session";

type Change<Draft> = Draft | ((before: Draft) => Draft);

const drafts = new Map<string, unknown>();
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function put(name: string, draft: unknown): void {
  if (draft === undefined) drafts.delete(name);
  else drafts.set(name, draft);
  // A listener that is always there would keep pages out of the cache of the browser.
  if (drafts.size > 0) addEventListener("beforeunload", ask);
  else removeEventListener("beforeunload", ask);
  for (const listener of listeners) listener();
}

/** Let the browser ask, in its own words. */
const ask = (event: BeforeUnloadEvent) => event.preventDefault();

/** A draft of the viewer; undefined if nothing is unsaved. @param name Unique in the console. */
export function useDraft<Draft>(
  name: string,
): [Draft | undefined, (change: Change<Draft | undefined>) => void] {
  // Whoever signs in next in this tab has other drafts.
  const own = `${useViewer().userId} ${name}`;
  const draft = useSyncExternalStore(subscribe, () => drafts.get(own)) as Draft | undefined;
  const setDraft = useCallback(
    (change: Change<Draft | undefined>) =>
      put(own, change instanceof Function ? change(drafts.get(own) as Draft | undefined) : change),
    [own],
  );
  return [draft, setDraft];
}

/** Forget drafts of the viewer, such as those of what was deleted: nobody could open them any more. */
export function useForget(): (...names: readonly string[]) => void {
  const { userId } = useViewer();
  return (...names) => {
    for (const name of names) put(`${userId} ${name}`, undefined);
  };
}

type Parts<Part> = ReadonlyMap<string, Part>;
const NOTHING = new Map<string, never>();

/** A draft of several parts by their keys; without any, nothing is unsaved. */
export function useDrafts<Part>(name: string): [Parts<Part>, (change: Change<Parts<Part>>) => void] {
  const [parts = NOTHING, setParts] = useDraft<Parts<Part>>(name);
  const change = useCallback(
    (next: Change<Parts<Part>>) =>
      setParts((before) => {
        const after = next instanceof Function ? next(before ?? NOTHING) : next;
        return after.size > 0 ? after : undefined;
      }),
    [setParts],
  );
  return [parts, change];
}
