import { Button, Label, ListBox, ListBoxItem, Popover, Select, SelectValue } from "react-aria-components";

interface Props<Value extends string> {
  label: string;
  value: Value;
  /** The values and their texts, in the order of the list. */
  options: readonly (readonly [Value, string])[];
  onChange: (value: Value) => void;
}

/** One of a few values. */
export function Choice<Value extends string>({ label, value, options, onChange }: Props<Value>) {
  return (
    <Select
      value={value}
      onChange={(chosen) => {
        const option = options.find(([each]) => each === chosen);
        if (option) onChange(option[0]);
      }}
    >
      <Label>{label}</Label>
      <Button>
        <SelectValue />
        <span aria-hidden>▾</span>
      </Button>
      <Popover>
        <ListBox>
          {options.map(([id, text]) => (
            <ListBoxItem key={id} id={id}>
              {text}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </Select>
  );
}
