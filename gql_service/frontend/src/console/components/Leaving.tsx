/** The question before somebody leaves a page with changes that are not saved. */
import { useEffect } from "react";
import { useBlocker } from "react-router";
import { Question } from "./Window";
import { useWords } from "./words";

export function Leaving({ isUnsaved }: { isUnsaved: boolean }) {
  const words = useWords();
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) => isUnsaved && currentLocation.pathname !== nextLocation.pathname,
  );
  useEffect(() => {
    if (!isUnsaved) return;
    // For closing the tab, browsers ask in their own words.
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [isUnsaved]);
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
