import { type FormEvent, type ReactNode, useId } from "react";
import { Button, FieldError, Input, Label, TextArea, TextField } from "react-aria-components";
import { Check } from "../../components/admin/Check";
import { Choice } from "../../components/admin/Choice";
import { SchemaAssistant } from "../../components/json/SchemaAssistant";
import type { ValueType } from "../../generated/graphql";
import { type Draft, isJson } from "./drafts";
import styles from "./User.module.css";
import { useWords } from "./words";

const TYPES: readonly ValueType[] = ["string", "number", "boolean", "date", "json", "binary"];

interface Props {
  draft: Draft;
  isBusy: boolean;
  onChange: (draft: Draft) => void;
  onSave: () => void;
  onCancel: () => void;
  /** The JSON Schema of the key, if its definition has one. */
  schema?: unknown;
  /** What the server has against the value. */
  problem: string | undefined;
  /** What went wrong, and more buttons. */
  children: ReactNode;
}

export function EntryForm({ draft, isBusy, schema, problem, onChange, onSave, onCancel, children }: Props) {
  const words = useWords();
  const put = (part: Partial<Draft>) => onChange({ ...draft, ...part });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSave();
  };
  const isBroken = draft.valueType === "json" && !isJson(draft.value);
  const field = (
    <ValueField draft={draft} isBroken={isBroken} problem={problem} onChange={(value) => put({ value })} />
  );
  return (
    <form className={styles.form} onSubmit={submit} aria-label={draft.base ? words.editKey(draft.key) : words.add}>
      {!draft.base && (
        <div className={styles.pair}>
          <TextField autoFocus value={draft.key} onChange={(key) => put({ key })} autoComplete="off">
            <Label>{words.key}</Label>
            <Input />
          </TextField>
          <Choice
            label={words.type}
            value={draft.valueType}
            options={TYPES.map((type) => [type, type] as const)}
            onChange={(valueType) => put({ valueType, value: valueType === "boolean" ? "true" : draft.value })}
          />
        </div>
      )}
      {draft.valueType === "json" ? (
        <SchemaAssistant schema={schema} text={draft.value}>
          {field}
        </SchemaAssistant>
      ) : (
        field
      )}
      <div className="row">
        <Check isSelected={draft.isPublic} onChange={(isPublic) => put({ isPublic })}>
          {words.isPublic}
        </Check>
        <Check isSelected={draft.isEditable} onChange={(isEditable) => put({ isEditable })}>
          {words.isEditable}
        </Check>
      </div>
      <div className={styles.pair}>
        <InstantField label={words.validFrom} value={draft.validFrom} onChange={(validFrom) => put({ validFrom })} />
        <InstantField
          label={words.validUntil}
          value={draft.validUntil}
          onChange={(validUntil) => put({ validUntil })}
        />
      </div>
      {children}
      <div className="row">
        <Button
          type="submit"
          className="react-aria-Button primary"
          isDisabled={isBusy || isBroken || draft.key === ""}
        >
          {words.save}
        </Button>
        <Button onPress={onCancel}>{words.cancel}</Button>
      </div>
    </form>
  );
}

interface ValueProps {
  draft: Draft;
  isBroken: boolean;
  problem: string | undefined;
  onChange: (value: string) => void;
}

function ValueField({ draft, isBroken, problem, onChange }: ValueProps) {
  const words = useWords();
  if (draft.valueType === "boolean") {
    return (
      <div>
        <Choice
          label={words.value}
          value={draft.value === "true" ? "true" : "false"}
          options={[
            ["true", words.true],
            ["false", words.false],
          ]}
          onChange={onChange}
        />
        <p role="alert" className="danger">
          {problem}
        </p>
      </div>
    );
  }
  const isLong = draft.valueType === "json" || draft.value.length > 80 || draft.value.includes("\n");
  return (
    <TextField
      value={draft.value}
      onChange={onChange}
      autoFocus={draft.base !== null}
      autoComplete="off"
      isInvalid={problem !== undefined || (isBroken && draft.value !== "")}
      // The browser would not send the form again while it shows an error of the server.
      validationBehavior="aria"
    >
      <Label>{words.value}</Label>
      {isLong ? <TextArea className="react-aria-TextArea value" /> : <Input className="react-aria-Input value" />}
      <FieldError>{isBroken ? words.notJson : problem && <span role="alert">{problem}</span>}</FieldError>
    </TextField>
  );
}

interface InstantProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
}

/** The browser's own field: in the viewer's zone, and easy to empty. */
function InstantField({ label, value, onChange }: InstantProps) {
  const id = useId();
  return (
    <div className="react-aria-TextField">
      <label className="react-aria-Label" htmlFor={id}>
        {label}
      </label>
      <input
        id={id}
        className="react-aria-Input"
        type="datetime-local"
        step={1}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}
