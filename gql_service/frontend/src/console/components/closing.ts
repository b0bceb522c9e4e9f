import { useEffect } from "react";

/** Let the browser ask, in its own words, before the tab is closed in the middle of something. */
export function useQuestionBeforeClosing(isBusy: boolean): void {
  useEffect(() => {
    if (!isBusy) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [isBusy]);
}
