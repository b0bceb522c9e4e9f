import { FieldError, Label, Text, TextArea, TextField } from "react-aria-components";
import { Choice } from "../../components/admin/Choice";
import { ConditionList } from "../users/ConditionList";
import styles from "./Bulk.module.css";
import type { Plan } from "./patch";
import { useWords } from "./words";

interface Props {
  platformKey: string;
  plan: Plan;
  /** Whether what is to be set is not a JSON object. */
  isBroken: boolean;
  isDisabled: boolean;
  onChange: (plan: Plan) => void;
}

export function PlanForm({ platformKey, plan, isBroken, isDisabled, onChange }: Props) {
  const words = useWords();
  const put = (part: Partial<Plan>) => onChange({ ...plan, ...part });
  return (
    <fieldset className={styles.plan} disabled={isDisabled}>
      <legend className="hidden-visually">{words.title}</legend>
      <div className={styles.people}>
        <Choice
          label={words.who}
          value={plan.by}
          options={[
            ["list", words.byList],
            ["filter", words.byFilter],
          ]}
          onChange={(by) => put({ by })}
        />
      </div>
      {plan.by === "filter" && (
        <ConditionList platformKey={platformKey} conditions={plan.where} onChange={(where) => put({ where })} />
      )}
      {plan.by === "list" && (
        <TextField value={plan.usernames} onChange={(usernames) => put({ usernames })} spellCheck="false">
          <Label>{words.usernames}</Label>
          <TextArea />
          <Text slot="description">{words.usernamesHint}</Text>
        </TextField>
      )}
      <TextField value={plan.set} onChange={(set) => put({ set })} isInvalid={isBroken} spellCheck="false">
        <Label>{words.set}</Label>
        <TextArea />
        <Text slot="description">{words.setHint}</Text>
        <FieldError>{words.notAnObject}</FieldError>
      </TextField>
      <TextField value={plan.remove} onChange={(remove) => put({ remove })} spellCheck="false">
        <Label>{words.remove}</Label>
        <TextArea className={`react-aria-TextArea ${styles.short}`} />
        <Text slot="description">{words.removeHint}</Text>
      </TextField>
    </fieldset>
  );
}
