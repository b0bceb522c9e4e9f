/** Switches a definition off for everybody at once, and on again where it was. */
import { Switch } from "react-aria-components";
import type { DefinitionFragment } from "../../generated/graphql";
import { useChange } from "./change";
import { inputOf } from "./draft";
import { useRolloutWords } from "./rollout-words";

export function KillSwitch({ definition }: { definition: DefinitionFragment }) {
  const words = useRolloutWords();
  const { change, isBusy, problems } = useChange(definition.key);
  return (
    <div>
      <Switch
        isSelected={definition.enabled}
        isReadOnly={isBusy}
        onChange={(enabled) => void change((newest) => ({ ...inputOf(newest ?? definition), enabled }))}
      >
        <span aria-hidden className="track" />
        {words.enabled}
      </Switch>
      {!definition.enabled && <p className="warning small">{words.isOff}</p>}
      <p role="alert" className="danger">
        {problems[0]?.message}
      </p>
    </div>
  );
}
