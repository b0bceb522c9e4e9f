/** A conflict: for each key that somebody else has changed meanwhile, whether theirs stays or ours replaces it. */
import { useState } from "react";
import { Button } from "react-aria-components";
import { Window } from "../../components/Window";
import type { Draft } from "./draft";
import type { Setting } from "./load";
import styles from "./Settings.module.css";
import { useWords } from "./words";

interface ConflictsProps {
  conflicts: readonly Setting[];
  draft: Draft;
  onClose: () => void;
  /** @param theirs The keys that stay as they are stored. */
  onDecide: (theirs: readonly string[]) => void;
}

export function Conflicts({ conflicts, draft, onClose, onDecide }: ConflictsProps) {
  const words = useWords();
  const [choices, setChoices] = useState<ReadonlyMap<string, "mine" | "theirs">>(new Map());
  const choose = (key: string, side: "mine" | "theirs") => setChoices(new Map(choices).set(key, side));
  return (
    <Window title={words.conflict} isOpen={conflicts.length > 0} onClose={onClose} isWide>
      <p>{words.conflictText}</p>
      {conflicts.map(({ key, title, own }) => (
        <fieldset key={key} className={styles.conflict}>
          <legend className="value">{title}</legend>
          <Side
            name={key}
            label={words.mine}
            value={draft.get(key)?.value}
            isChosen={choices.get(key) === "mine"}
            onChoose={() => choose(key, "mine")}
          />
          <Side
            name={key}
            label={words.theirs}
            value={own?.value}
            isChosen={choices.get(key) === "theirs"}
            onChoose={() => choose(key, "theirs")}
          />
        </fieldset>
      ))}
      <div className="row">
        <Button
          className="react-aria-Button primary"
          isDisabled={conflicts.some(({ key }) => !choices.has(key))}
          onPress={() => onDecide(conflicts.map(({ key }) => key).filter((key) => choices.get(key) === "theirs"))}
        >
          {words.saveChosen}
        </Button>
        <Button onPress={onClose}>{words.editOn}</Button>
      </div>
    </Window>
  );
}

interface SideProps {
  name: string;
  label: string;
  value: unknown;
  isChosen: boolean;
  onChoose: () => void;
}

function Side({ name, label, value, isChosen, onChoose }: SideProps) {
  const words = useWords();
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return (
    <label className={styles.side} data-chosen={isChosen || undefined}>
      <span className="row">
        <input type="radio" name={name} checked={isChosen} onChange={onChoose} />
        {label}
      </span>
      <pre className="value">{text === undefined ? words.noValue : text.slice(0, 2000)}</pre>
    </label>
  );
}
