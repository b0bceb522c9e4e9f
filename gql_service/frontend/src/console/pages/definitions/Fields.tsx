/** The fields of the editor. An error of the server stands at the field that it is about. */
import {
  Button,
  Checkbox,
  FieldError,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Select,
  SelectValue,
  Text,
  TextArea,
  TextField,
} from "react-aria-components";
import type { Problem } from "./change";
import type { ChoiceName, Draft, SwitchName, TextName } from "./draft";
import { useEditorWords } from "./editor-words";

/** What all fields need: the draft, how to change it, and what is wrong. */
export interface Form {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
  problems: readonly Problem[];
}

const HINTS = {
  pattern: "patternHint",
  choices: "choicesHint",
  indexedPaths: "indexedPathsHint",
  position: "positionHint",
  category: "categoryHint",
  default: "defaultHint",
} as const;
const LONG: readonly TextName[] = ["choices", "schema", "indexedPaths"];

export function Field({ form, name }: { form: Form; name: TextName }) {
  const words = useEditorWords();
  const problem = form.problems.find((each) => each.field === name && !each.brokenDocuments);
  const hint = name in HINTS ? words[HINTS[name as keyof typeof HINTS]] : undefined;
  const isLong = LONG.includes(name) || (name === "default" && form.draft.valueType === "json");
  return (
    <TextField
      value={form.draft[name]}
      onChange={(text) => form.set({ [name]: text })}
      isInvalid={problem !== undefined}
      // The browser would not send the form again while it shows an error of the server.
      validationBehavior="aria"
      autoComplete="off"
      spellCheck="false"
    >
      <Label>{words[name]}</Label>
      {isLong ? <TextArea rows={3} /> : <Input />}
      {hint && <Text slot="description">{hint}</Text>}
      <FieldError>{problem?.message}</FieldError>
    </TextField>
  );
}

export function Switch({ form, name }: { form: Form; name: SwitchName }) {
  const words = useEditorWords();
  return (
    <Checkbox isSelected={form.draft[name]} onChange={(isSelected) => form.set({ [name]: isSelected })}>
      {({ isSelected }) => (
        <>
          <span aria-hidden className="box">
            {isSelected && "✓"}
          </span>
          {words[name]}
        </>
      )}
    </Checkbox>
  );
}

/** Yes, no, or nothing: then whoever creates the entry decides. */
export function Choice({ form, name }: { form: Form; name: ChoiceName }) {
  const words = useEditorWords();
  const value = form.draft[name];
  return (
    <OneOf
      label={words[name]}
      value={value === null ? "unset" : value ? "yes" : "no"}
      items={{ unset: words.unset, yes: words.yes, no: words.no }}
      onChange={(chosen) => form.set({ [name]: chosen === "unset" ? null : chosen === "yes" })}
    />
  );
}

interface OneOfProps<Name extends string> {
  label: string;
  value: Name;
  items: Record<Name, string>;
  onChange: (chosen: Name) => void;
}

export function OneOf<Name extends string>({ label, value, items, onChange }: OneOfProps<Name>) {
  return (
    <Select value={value} onChange={(chosen) => onChange(chosen as Name)}>
      <Label>{label}</Label>
      <Button>
        <SelectValue />
        <span aria-hidden>▾</span>
      </Button>
      <Popover>
        <ListBox>
          {(Object.entries(items) as [Name, string][]).map(([name, text]) => (
            <ListBoxItem key={name} id={name}>
              {text}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </Select>
  );
}
