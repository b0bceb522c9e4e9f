/** The control for a value: a switch, a choice, a number, a date, a text, or JSON. */
import {
  Button,
  Input,
  ListBox,
  ListBoxItem,
  Popover,
  Select,
  SelectValue,
  Switch,
  TextArea,
  TextField,
} from "react-aria-components";
import { type Choice as Allowed, choicesOf } from "../../components/json/choices";
import { SchemaAssistant } from "../../components/json/SchemaAssistant";
import { toInstant, toLocal } from "../../components/local-time";
import type { Definition, Setting } from "./load";
import styles from "./Settings.module.css";
import { useWords } from "./words";

export interface Edit {
  value: unknown;
  text?: string;
  problem?: string;
}

interface ControlProps {
  setting: Setting;
  value: unknown;
  /** What was typed, where that is not a value yet. */
  text: string | undefined;
  isDisabled: boolean;
  isInvalid: boolean;
  /** The ids of the elements that name and describe it. */
  labelledBy: string;
  describedBy: string;
  onEdit: (edit: Edit) => void;
}

export function Control(props: ControlProps) {
  const { definition, type } = props.setting;
  const choices = allowedBy(definition);
  if (choices) return <Choice {...props} choices={choices} />;
  switch (type) {
    case "boolean":
      return <Toggle {...props} />;
    case "number":
      return <NumberControl {...props} />;
    case "date":
      return <DateControl {...props} />;
    case "json":
      return <JsonControl {...props} />;
    default:
      return <TextControl {...props} />;
  }
}

/** The values that a definition allows, if it names them. */
function allowedBy(definition: Definition | null): readonly Allowed[] | undefined {
  if (definition?.choices) return definition.choices.map((value: unknown) => ({ value, title: "" }));
  const choices = choicesOf(definition?.schema);
  // Arrays and objects are hard to tell apart in a list, and are edited as JSON.
  return choices?.every(({ value }) => typeof value !== "object" || value === null) ? choices : undefined;
}

const naming = ({ labelledBy, describedBy }: ControlProps) => ({
  "aria-labelledby": labelledBy,
  "aria-describedby": describedBy,
});

function Toggle(props: ControlProps) {
  const words = useWords();
  return (
    <Switch
      {...naming(props)}
      isSelected={props.value === true}
      isDisabled={props.isDisabled}
      onChange={(value) => props.onEdit({ value })}
    >
      <span className="track" />
      <span aria-hidden>{props.value === true ? words.on : words.off}</span>
    </Switch>
  );
}

const asText = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));

function Choice(props: ControlProps & { choices: readonly Allowed[] }) {
  const words = useWords();
  return (
    <Select
      {...naming(props)}
      placeholder={words.notSet}
      value={props.value === undefined ? null : JSON.stringify(props.value)}
      isDisabled={props.isDisabled}
      onChange={(chosen) => props.onEdit({ value: JSON.parse(String(chosen)) as unknown })}
    >
      <Button>
        <SelectValue />
        <span aria-hidden>▾</span>
      </Button>
      <Popover>
        <ListBox>
          {props.choices.map(({ value, title }) => (
            <ListBoxItem key={JSON.stringify(value)} id={JSON.stringify(value)}>
              {title || asText(value)}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </Select>
  );
}

/** A number; between two bounds, also a slider. */
function NumberControl(props: ControlProps) {
  const words = useWords();
  const { minimum, maximum } = props.setting.definition ?? {};
  const isBounded = typeof minimum === "number" && typeof maximum === "number";
  const typed = (text: string) => {
    const value = Number(text.replace(",", "."));
    if (!text.trim() || Number.isNaN(value)) return { value: props.value, text, problem: words.numberMissing };
    const isOutside = (typeof minimum === "number" && value < minimum) || (typeof maximum === "number" && value > maximum);
    return isOutside ? { value, text, problem: words.between(minimum, maximum) } : { value, text };
  };
  return (
    <div className={styles.number}>
      {isBounded && (
        <input
          {...naming(props)}
          type="range"
          min={minimum}
          max={maximum}
          step={stepOf(minimum, maximum)}
          value={typeof props.value === "number" ? props.value : minimum}
          disabled={props.isDisabled}
          onChange={(event) => props.onEdit({ value: event.target.valueAsNumber })}
        />
      )}
      <TextField
        {...naming(props)}
        value={props.text ?? (typeof props.value === "number" ? String(props.value) : "")}
        inputMode="decimal"
        isDisabled={props.isDisabled}
        isInvalid={props.isInvalid}
        onChange={(text) => props.onEdit(typed(text))}
      >
        <Input />
      </TextField>
    </div>
  );
}

const stepOf = (minimum: number, maximum: number) =>
  Number.isInteger(minimum) && Number.isInteger(maximum) && maximum - minimum > 1 ? 1 : (maximum - minimum) / 100;

/** A day, or an instant in the viewer's time zone. */
function DateControl(props: ControlProps) {
  const words = useWords();
  const { minimum, maximum, default: fallback } = props.setting.definition ?? {};
  const value = typeof props.value === "string" ? props.value : "";
  const like = [value, fallback, minimum, maximum].find((each) => typeof each === "string" && each !== "");
  const isDay = typeof like !== "string" || like.length === 10;
  const shown = (text: unknown) => (typeof text === "string" ? (isDay ? text : toLocal(text)) : undefined);
  return (
    <TextField
      {...naming(props)}
      value={shown(value) ?? ""}
      isDisabled={props.isDisabled}
      isInvalid={props.isInvalid}
      onChange={(text) => {
        if (!text) props.onEdit({ value: "", problem: words.dateMissing });
        else props.onEdit({ value: isDay ? text : toInstant(text) });
      }}
    >
      <Input type={isDay ? "date" : "datetime-local"} min={shown(minimum)} max={shown(maximum)} />
    </TextField>
  );
}

function JsonControl(props: ControlProps) {
  const words = useWords();
  const shown = props.text ?? (props.value === undefined ? "" : JSON.stringify(props.value, null, 2));
  return (
    <SchemaAssistant schema={props.setting.definition?.schema} text={shown}>
      <TextField
        {...naming(props)}
        value={shown}
        isDisabled={props.isDisabled}
        isInvalid={props.isInvalid}
        onChange={(text) => {
          try {
            props.onEdit({ value: JSON.parse(text) as unknown, text });
          } catch (error) {
            const reason = error instanceof Error ? error.message : "";
            props.onEdit({ value: props.value, text, problem: words.jsonInvalid(reason) });
          }
        }}
      >
        <TextArea spellCheck={false} />
      </TextField>
    </SchemaAssistant>
  );
}

/** From here on, a text gets an area instead of a line. */
const LONG = 80;

function TextControl(props: ControlProps) {
  const value = typeof props.value === "string" ? props.value : "";
  const isLong = value.length > LONG || value.includes("\n");
  return (
    <TextField
      {...naming(props)}
      value={value}
      isDisabled={props.isDisabled}
      isInvalid={props.isInvalid}
      onChange={(text) => props.onEdit({ value: text })}
    >
      {isLong ? <TextArea className={`react-aria-TextArea ${styles.text}`} dir="auto" /> : <Input dir="auto" />}
    </TextField>
  );
}
