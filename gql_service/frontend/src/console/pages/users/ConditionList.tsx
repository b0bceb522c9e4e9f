import { Button } from "react-aria-components";
import { useQuery } from "urql";
import { IndexedKeysDocument } from "../../generated/graphql";
import { ConditionFields } from "./ConditionFields";
import { type Condition, EMPTY_CONDITION, MOST } from "./filter";
import styles from "./Users.module.css";
import { useWords } from "./words";

interface Props {
  platformKey: string;
  /** One or more: all of them must hold. */
  conditions: readonly Condition[];
  onChange: (conditions: readonly Condition[]) => void;
}

/** Conditions on indexed keys. Defined keys are proposed; entries may have other indexed ones. */
export function ConditionList({ platformKey, conditions, onChange }: Props) {
  const words = useWords();
  const [{ data }] = useQuery({ query: IndexedKeysDocument, variables: { key: platformKey } });
  const keys = (data?.platform?.definitions ?? []).filter((each) => each.isIndexed || each.indexedPaths);
  return (
    <div className={styles.conditions}>
      {conditions.map((condition, index) => (
        <div key={index} role="group" aria-label={words.conditionNumber(index + 1)} className={styles.condition}>
          <ConditionFields
            keys={keys}
            condition={condition}
            onChange={(changed) => onChange(conditions.map((each, at) => (at === index ? changed : each)))}
          />
          {conditions.length > 1 && (
            <Button
              className="react-aria-Button plain"
              aria-label={words.removeCondition(index + 1)}
              onPress={() => onChange(conditions.filter((_, at) => at !== index))}
            >
              {words.remove}
            </Button>
          )}
        </div>
      ))}
      {conditions.length < MOST && (
        <Button className="react-aria-Button plain" onPress={() => onChange([...conditions, EMPTY_CONDITION])}>
          {words.addCondition}
        </Button>
      )}
    </div>
  );
}
