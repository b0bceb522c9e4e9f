import { Input, Label, TextField } from "react-aria-components";
import { useQuery } from "urql";
import { Choice } from "../../components/admin/Choice";
import { IndexedKeysDocument } from "../../generated/graphql";
import { type Filter, needsValue, OPERATORS } from "./filter";
import { useWords } from "./words";

interface Props {
  platformKey: string;
  filter: Filter;
  onChange: (filter: Filter) => void;
}

/** The fields of a condition on an indexed key. Defined keys are proposed; entries may have other indexed ones. */
export function ConditionFields({ platformKey, filter, onChange }: Props) {
  const words = useWords();
  const [{ data }] = useQuery({ query: IndexedKeysDocument, variables: { key: platformKey } });
  const keys = (data?.platform?.definitions ?? []).filter((each) => each.isIndexed);
  return (
    <>
      <TextField value={filter.key} onChange={(key) => onChange({ ...filter, key })} autoComplete="off">
        <Label>{words.filterBy}</Label>
        <Input list="indexed-keys" placeholder={words.filterByHint} />
        <datalist id="indexed-keys">
          {keys.map((each) => (
            <option key={each.key} value={each.key}>
              {each.title}
            </option>
          ))}
        </datalist>
      </TextField>
      <Choice
        label={words.condition}
        value={filter.operator}
        options={OPERATORS.map((each) => [each, words.operators[each]] as const)}
        onChange={(operator) => onChange({ ...filter, operator })}
      />
      {needsValue(filter.operator) && (
        <TextField value={filter.value} onChange={(value) => onChange({ ...filter, value })} autoComplete="off">
          <Label>{words.value}</Label>
          <Input />
        </TextField>
      )}
    </>
  );
}
