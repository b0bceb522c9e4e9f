/** The filter by the value of an indexed key. */
import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components";
import { useSearchParams } from "react-router";
import { ConditionFields } from "./ConditionFields";
import { EMPTY_FILTER, type Filter, filterOf, needsValue } from "./filter";
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
      start={current ?? EMPTY_FILTER}
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
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (filter.key) onApply(filter);
  };
  return (
    <form className={styles.filter} onSubmit={submit}>
      <ConditionFields platformKey={platformKey} filter={filter} onChange={setFilter} />
      <Button type="submit" isDisabled={!filter.key}>
        {words.apply}
      </Button>
      <Button className="react-aria-Button plain" onPress={onRemove}>
        {words.removeFilter}
      </Button>
    </form>
  );
}
