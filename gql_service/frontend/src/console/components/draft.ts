/** What is typed and not saved yet: it stays when another page of the console is opened, and closing the tab asks. */
import { useEffect, useState } from "react";

const drafts = new Map<string, unknown>();

/** @param name Unique in the console. */
export function useDraft<Draft>(name: string): [Draft | undefined, (draft: Draft | undefined) => void] {
  const [draft, setDraft] = useState(() => drafts.get(name) as Draft | undefined);
  useQuestionBeforeClosing(draft !== undefined);
  return [
    draft,
    (changed) => {
      if (changed === undefined) drafts.delete(name);
      else drafts.set(name, changed);
      setDraft(changed);
    },
  ];
}

function useQuestionBeforeClosing(isUnsaved: boolean): void {
  useEffect(() => {
    if (!isUnsaved) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [isUnsaved]);
}
