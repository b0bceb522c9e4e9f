/** The filter by the values of indexed keys. */
import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components";
import { useSearchParams } from "react-router";
import { ConditionList } from "./ConditionList";
import { type Condition, conditionsOf, EMPTY_CONDITION, withConditions } from "./filter";
import styles from "./Users.module.css";
import { useWords } from "./words";

export function FilterForm({ platformKey }: { platformKey: string }) {
  const words = useWords();
  const [address, setAddress] = useSearchParams();
  const current = conditionsOf(address);
  const [isOpen, setOpen] = useState(current.length > 0);
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
      start={current.length > 0 ? current : [EMPTY_CONDITION]}
      onApply={(conditions) => setAddress(withConditions(address, conditions))}
      onRemove={() => {
        setAddress(withConditions(address, []));
        setOpen(false);
      }}
    />
  );
}

interface Props {
  platformKey: string;
  start: readonly Condition[];
  onApply: (conditions: readonly Condition[]) => void;
  onRemove: () => void;
}

function FilterFields({ platformKey, start, onApply, onRemove }: Props) {
  const words = useWords();
  const [conditions, setConditions] = useState(start);
  const isComplete = conditions.every((each) => each.key);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isComplete) onApply(conditions);
  };
  return (
    <form className={styles.filter} onSubmit={submit}>
      <ConditionList platformKey={platformKey} conditions={conditions} onChange={setConditions} />
      <div className="row">
        <Button type="submit" isDisabled={!isComplete}>
          {words.apply}
        </Button>
        <Button className="react-aria-Button plain" onPress={onRemove}>
          {words.removeFilter}
        </Button>
      </div>
    </form>
  );
}
