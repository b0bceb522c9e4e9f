import { useId } from "react";
import { Input, Label, TextField } from "react-aria-components";
import { Choice } from "../../components/admin/Choice";
import type { IndexedKeysQuery } from "../../generated/graphql";
import { type Condition, needsValue, OPERATORS } from "./filter";
import { useWords } from "./words";

type IndexedKey = NonNullable<IndexedKeysQuery["platform"]>["definitions"][number];

interface Props {
  /** The keys that are proposed. */
  keys: readonly IndexedKey[];
  condition: Condition;
  onChange: (condition: Condition) => void;
}

/** The fields of one condition. */
export function ConditionFields({ keys, condition, onChange }: Props) {
  const words = useWords();
  const list = useId();
  const paths = keys.find((each) => each.key === condition.key)?.indexedPaths ?? [];
  return (
    <>
      <TextField
        value={condition.key}
        onChange={(key) => onChange({ ...condition, key, path: "" })}
        autoComplete="off"
      >
        <Label>{words.filterBy}</Label>
        <Input list={list} placeholder={words.filterByHint} />
        <datalist id={list}>
          {keys.map((each) => (
            <option key={each.key} value={each.key}>
              {each.title}
            </option>
          ))}
        </datalist>
      </TextField>
      {paths.length > 0 && (
        <Choice
          label={words.part}
          value={condition.path}
          options={[["", words.whole], ...paths.map((path) => [path, path] as const)]}
          onChange={(path) => onChange({ ...condition, path })}
        />
      )}
      <Choice
        label={words.condition}
        value={condition.operator}
        options={OPERATORS.map((each) => [each, words.operators[each]] as const)}
        onChange={(operator) => onChange({ ...condition, operator })}
      />
      {needsValue(condition.operator) && (
        <TextField
          value={condition.value}
          onChange={(value) => onChange({ ...condition, value })}
          autoComplete="off"
        >
          <Label>{words.value}</Label>
          <Input />
        </TextField>
      )}
    </>
  );
}
