/** What is typed and not saved yet: it stays when another page of the console is opened, and closing the tab asks. */
import { useState } from "react";
import { useQuestionBeforeClosing } from "./closing";

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
