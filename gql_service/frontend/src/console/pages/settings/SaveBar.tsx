/** What is not saved yet, how to save it, and what became of it. */
import { Button } from "react-aria-components";
import type { Draft } from "./draft";
import styles from "./Settings.module.css";
import type { Saving } from "./useSaving";
import { useWords } from "./words";

export function SaveBar({ draft, saving, onDiscard }: { draft: Draft; saving: Saving; onDiscard: () => void }) {
  const words = useWords();
  const hasProblem = [...draft.values()].some((change) => change.problem !== undefined);
  const isEmpty = draft.size === 0;
  return (
    <div className={styles.bar} hidden={isEmpty && !saving.canUndo && !saving.problem}>
      <p role="alert" className="danger">
        {saving.problem}
      </p>
      <div className="row">
        <span role="status">{isEmpty ? saving.canUndo && words.saved : words.changes(draft.size)}</span>
        {isEmpty ? (
          saving.canUndo && (
            <Button isDisabled={saving.isBusy} onPress={saving.undo}>
              {words.undo}
            </Button>
          )
        ) : (
          <>
            <Button
              className="react-aria-Button primary"
              isDisabled={saving.isBusy || hasProblem}
              onPress={() => saving.save(draft)}
            >
              {words.save}
            </Button>
            <Button isDisabled={saving.isBusy} onPress={onDiscard}>
              {words.discardAll}
            </Button>
          </>
        )}
      </div>
    </div>
  );
}
