/** A conflict: for each key that somebody else has changed meanwhile, whether theirs stays or ours replaces it. */
import { Button } from "react-aria-components";
import { Window } from "../../components/Window";
import type { Draft } from "./draft";
import type { Setting } from "./load";
import styles from "./Settings.module.css";
import { useWords } from "./words";

/** What was chosen, by what was to be decided. Choices stay when the window is closed, unless others write anew. */
export type Choices = ReadonlyMap<string, "mine" | "theirs">;
const decisionOf = ({ key, own }: Setting) => `${key} ${own?.digest}`;

interface ConflictsProps {
  conflicts: readonly Setting[];
  draft: Draft;
  choices: Choices;
  onChoose: (choices: Choices) => void;
  onClose: () => void;
  /** @param theirs The keys that stay as they are stored. */
  onDecide: (theirs: readonly string[]) => void;
}

export function Conflicts({ conflicts, draft, choices, onChoose, onClose, onDecide }: ConflictsProps) {
  const words = useWords();
  const chosen = (setting: Setting) => choices.get(decisionOf(setting));
  const choose = (setting: Setting, side: "mine" | "theirs") =>
    onChoose(new Map(choices).set(decisionOf(setting), side));
  return (
    <Window title={words.conflict} isOpen={conflicts.length > 0} onClose={onClose} isWide>
      <p>{words.conflictText}</p>
      {conflicts.map((setting) => (
        <fieldset key={setting.key} className={styles.conflict}>
          <legend className="value">{setting.title}</legend>
          <Side
            name={setting.key}
            label={words.mine}
            value={draft.get(setting.key)?.value}
            isChosen={chosen(setting) === "mine"}
            onChoose={() => choose(setting, "mine")}
          />
          <Side
            name={setting.key}
            label={words.theirs}
            value={setting.own?.value}
            isChosen={chosen(setting) === "theirs"}
            onChoose={() => choose(setting, "theirs")}
          />
        </fieldset>
      ))}
      <div className="row">
        <Button
          className="react-aria-Button primary"
          isDisabled={conflicts.some((setting) => !chosen(setting))}
          onPress={() => onDecide(conflicts.filter((each) => chosen(each) === "theirs").map(({ key }) => key))}
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
