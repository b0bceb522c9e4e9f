/** What a page shows while it has nothing else to show: loading, failed, empty. */
import type { ReactNode } from "react";
import { Button } from "react-aria-components";
import type { CombinedError } from "urql";
import { codesOf } from "../connection";
import styles from "./State.module.css";
import { useWords } from "./words";

/** Bars of the height of what will come, so that nothing jumps. */
export function Skeleton({ lines = 5 }: { lines?: number }) {
  const words = useWords();
  return (
    <div role="status" aria-label={words.loading} className={styles.skeleton}>
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} />
      ))}
    </div>
  );
}

/** What went wrong and what to do. The server's own message says it best, if there is one. */
export function Failure({ error, onRetry }: { error: CombinedError; onRetry?: () => void }) {
  const words = useWords();
  return (
    <div role="alert" className={styles.state}>
      <p className="danger">{messageOf(error, words)}</p>
      {onRetry && <Button onPress={onRetry}>{words.tryAgain}</Button>}
    </div>
  );
}

/** What to tell people about an error of an operation. */
export function useMessageOf(): (error: CombinedError) => string {
  const words = useWords();
  return (error) => messageOf(error, words);
}

function messageOf(error: CombinedError, words: ReturnType<typeof useWords>): string {
  if (error.networkError) return words.unreachable;
  if (codesOf(error).includes("FORBIDDEN")) return words.forbidden;
  return error.graphQLErrors.map((each) => each.message).join(" ") || words.failed;
}

/** What belongs here, and the first thing to do. */
export function Empty({ children }: { children: ReactNode }) {
  return <div className={styles.state}>{children}</div>;
}
