/** The filter by the value of an indexed key. */
import { type FormEvent, useState } from "react";
import { Button, Input, Label, TextField } from "react-aria-components";
import { useSearchParams } from "react-router";
import { useQuery } from "urql";
import { Choice } from "../../components/admin/Choice";
import { IndexedKeysDocument } from "../../generated/graphql";
import { type Filter, filterOf, needsValue, OPERATORS } from "./filter";
import styles from "./Users.module.css";
import { useWords } from "./words";

export function FilterForm({ platformKey }: { platformKey: string }) {
  const words = useWords();
  const [address, setAddress] = useSearchParams();
  const current = filterOf(address);
  const [isOpen, setOpen] = useState(current !== null);
  const put = (filter: Filter | null) => {
    const next = new URLSearchParams(address);
    for (const name of ["key", "op", "value", "after", "before"]) next.delete(name);
    if (filter) {
      next.set("key", filter.key);
      next.set("op", filter.operator);
      if (needsValue(filter.operator)) next.set("value", filter.value);
    }
    setAddress(next);
  };
  if (!isOpen) {
    return (
      <div>
        <Button className="react-aria-Button plain" onPress={() => setOpen(true)}>
          {words.filter}
        </Button>
      </div>
    );
  }
  return (
    <FilterFields
      platformKey={platformKey}
      start={current ?? { key: "", operator: "equals", value: "" }}
      onApply={put}
      onRemove={() => {
        put(null);
        setOpen(false);
      }}
    />
  );
}

interface Props {
  platformKey: string;
  start: Filter;
  onApply: (filter: Filter) => void;
  onRemove: () => void;
}

function FilterFields({ platformKey, start, onApply, onRemove }: Props) {
  const words = useWords();
  const [filter, setFilter] = useState(start);
  const [{ data }] = useQuery({ query: IndexedKeysDocument, variables: { key: platformKey } });
  const keys = (data?.platform?.definitions ?? []).filter((each) => each.isIndexed);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (filter.key) onApply(filter);
  };
  return (
    <form className={styles.filter} onSubmit={submit}>
      <TextField value={filter.key} onChange={(key) => setFilter({ ...filter, key })} autoComplete="off">
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
        onChange={(operator) => setFilter({ ...filter, operator })}
      />
      {needsValue(filter.operator) && (
        <TextField value={filter.value} onChange={(value) => setFilter({ ...filter, value })} autoComplete="off">
          <Label>{words.value}</Label>
          <Input />
        </TextField>
      )}
      <Button type="submit" isDisabled={!filter.key}>
        {words.apply}
      </Button>
      <Button className="react-aria-Button plain" onPress={onRemove}>
        {words.removeFilter}
      </Button>
    </form>
  );
}
