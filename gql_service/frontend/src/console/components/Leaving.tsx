/** The question before somebody leaves a page with changes that are not saved. */
import { useBlocker } from "react-router";
import { useQuestionBeforeClosing } from "./closing";
import { Question } from "./Window";
import { useWords } from "./words";

export function Leaving({ isUnsaved }: { isUnsaved: boolean }) {
  const words = useWords();
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) => isUnsaved && currentLocation.pathname !== nextLocation.pathname,
  );
  useQuestionBeforeClosing(isUnsaved);
  return (
    <Question
      title={words.leave}
      action={words.leaveAction}
      isOpen={blocker.state === "blocked"}
      onClose={() => blocker.reset?.()}
      onConfirm={() => blocker.proceed?.()}
    >
      <p>{words.leaveText}</p>
    </Question>
  );
}
