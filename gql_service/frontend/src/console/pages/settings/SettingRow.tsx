/** One setting: its name, its control, where its value comes from, and what is behind it. */
import { Lock, RotateCcw } from "lucide-react";
import { memo, useId, useState } from "react";
import { Button } from "react-aria-components";
import { useNumberFormat } from "../../components/format";
import { Control, type Edit } from "./Control";
import { type Change, isStale } from "./draft";
import type { Setting } from "./load";
import styles from "./Settings.module.css";
import { useWords } from "./words";

interface SettingRowProps {
  setting: Setting;
  change: Change | undefined;
  isFresh: boolean;
  isBusy: boolean;
  /** What the server has against the new value. */
  problem: string | undefined;
  onEdit: (setting: Setting, edit: Edit) => void;
  onDiscard: (key: string) => void;
}

/** From here on, a value is shown only when somebody asks for it: fields of a mebibyte are slow. */
const HUGE = 20_000;

export const SettingRow = memo(function SettingRow(props: SettingRowProps) {
  const { setting, change, isBusy, onEdit, onDiscard } = props;
  const words = useWords();
  const number = useNumberFormat();
  const id = useId();
  const [isShown, setShown] = useState(false);
  const value = valueOf(setting, change);
  const size = JSON.stringify(value)?.length ?? 0;
  const isOff = setting.source === "off";
  const problem = change?.problem ?? props.problem;
  return (
    <li className={styles.setting} data-fresh={props.isFresh || undefined}>
      <div className={styles.name}>
        <h3 id={`${id}-title`} className="value">
          {setting.title}
        </h3>
        <div id={`${id}-description`}>
          {setting.description && <p className="quiet value">{setting.description}</p>}
          <Hint setting={setting} />
        </div>
        <Details setting={setting} />
      </div>
      <div className={styles.control}>
        {size > HUGE && !isShown && !change ? (
          <Button onPress={() => setShown(true)}>{words.showHuge(number.format(Math.ceil(size / 1024)))}</Button>
        ) : (
          <Control
            setting={setting}
            value={value}
            text={change?.text}
            isDisabled={!setting.canEdit || isOff || isBusy}
            isInvalid={problem !== undefined}
            labelledBy={`${id}-title`}
            describedBy={`${id}-description`}
            onEdit={(edit) => onEdit(setting, edit)}
          />
        )}
        {problem && (
          <p role="alert" className="danger small">
            {problem}
          </p>
        )}
        <div className="row small">
          <Origin setting={setting} change={change} />
          {change ? (
            <Button
              className={`react-aria-Button plain ${styles.small}`}
              aria-describedby={`${id}-title`}
              isDisabled={isBusy}
              onPress={() => onDiscard(setting.key)}
            >
              {words.discard}
            </Button>
          ) : (
            setting.canReset && (
              <Button
                className={`react-aria-Button plain ${styles.small}`}
                aria-describedby={`${id}-title`}
                isDisabled={isBusy}
                onPress={() => onEdit(setting, { value: undefined })}
              >
                <RotateCcw aria-hidden size={12} />
                {setting.definition ? words.reset : words.remove}
              </Button>
            )
          )}
        </div>
      </div>
    </li>
  );
});

/** What the control shows: the draft, else the viewer's own value, else the one that is effective. */
function valueOf(setting: Setting, change: Change | undefined): unknown {
  if (change) return change.value === undefined ? setting.definition?.default : change.value;
  return setting.own && setting.source !== "off" ? setting.own.value : setting.effective;
}

function Origin({ setting, change }: { setting: Setting; change: Change | undefined }) {
  const words = useWords();
  if (change) {
    if (isStale(change, setting)) return <span className="warning">{words.changedMeanwhile}</span>;
    return <span className="warning">{change.value === undefined ? words.willBeReset : words.unsaved}</span>;
  }
  return (
    <span className={setting.source === "broken" ? "danger" : "quiet"}>
      {setting.canEdit ? null : <Lock aria-hidden size={12} />} {words.sources[setting.source]}
      {setting.canEdit ? null : ` ${words.readOnly}`}
    </span>
  );
}

/** The rules that a control does not show by itself. */
function Hint({ setting: { definition } }: { setting: Setting }) {
  const words = useWords();
  if (!definition) return null;
  const { minimum, maximum, minLength, maxLength, pattern } = definition;
  const hints = [
    minimum != null || maximum != null ? words.between(minimum, maximum) : null,
    minLength != null || maxLength != null ? words.characters(minLength, maxLength) : null,
  ].filter((hint) => hint !== null);
  if (hints.length === 0 && !pattern) return null;
  return (
    <p className="quiet small">
      {hints.join(" ")} {pattern && words.pattern} {pattern && <code>{pattern}</code>}
    </p>
  );
}

function Details({ setting }: { setting: Setting }) {
  const words = useWords();
  const [isOpen, setOpen] = useState(false);
  const schema = setting.definition?.schema;
  return (
    <details className={`quiet small ${styles.details}`} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{words.details}</summary>
      {isOpen && (
        <dl>
          <dt>{words.key}</dt>
          <dd>
            <code>{setting.key}</code> ({setting.type})
          </dd>
          <dt>{words.effective}</dt>
          <dd>
            <code className="value">{excerpt(setting.effective)}</code>
            {setting.variant !== null && ` · ${words.variant} ${setting.variant}`}
          </dd>
          {schema != null && (
            <>
              <dt>{words.schema}</dt>
              <dd>
                <pre>{JSON.stringify(schema, null, 2)}</pre>
              </dd>
            </>
          )}
        </dl>
      )}
    </details>
  );
}

const excerpt = (value: unknown) => (JSON.stringify(value) ?? "–").slice(0, 500);
