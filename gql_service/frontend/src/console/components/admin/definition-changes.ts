import { useSubscription } from "urql";
import { DefinitionEventsDocument } from "../../generated/graphql";

/** Call back when somebody has changed a definition of a platform: that of one key, or without a key any of them. */
export function useDefinitionChanges(platformKey: string, key: string | null, onChange: () => void): void {
  useSubscription({ query: DefinitionEventsDocument, variables: { platformKey } }, (_, event) => {
    const change = event.platformEvents?.node;
    if (change?.type.startsWith("DEFINITION_") && (key === null || change.changedKeys.includes(key))) onChange();
    return event;
  });
}
