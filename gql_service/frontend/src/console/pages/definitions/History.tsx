/** Who has changed a definition, when, and what. */
import { useState } from "react";
import { Button } from "react-aria-components";
import { useParams } from "react-router";
import { useQuery } from "urql";
import { Instant } from "../../components/Instant";
import { Failure, Skeleton } from "../../components/State";
import { type DefinitionFragment, DefinitionHistoryDocument, type DefinitionHistoryQuery } from "../../generated/graphql";
import styles from "./Rollout.module.css";
import { useRolloutWords } from "./rollout-words";
import { show } from "./values";

type Change = NonNullable<
  NonNullable<DefinitionHistoryQuery["platform"]>["definitionHistory"]
>["nodes"][number];

/** @param changedAt When it was changed last: another instant reads the history again. */
export function History({ of: key, changedAt }: { of: string; changedAt?: string }) {
  const [pages, setPages] = useState<readonly (string | null)[]>([null]);
  return (
    <ol key={changedAt} className={styles.history}>
      {pages.map((after, index) => (
        <Page
          key={after}
          of={key}
          after={after}
          onMore={index === pages.length - 1 ? (next) => setPages([...pages, next]) : undefined}
        />
      ))}
    </ol>
  );
}

interface PageProps {
  of: string;
  after: string | null;
  onMore?: (after: string) => void;
}

function Page({ of: key, after, onMore }: PageProps) {
  const words = useRolloutWords();
  const { platformKey = "" } = useParams();
  const [{ data, error }, read] = useQuery({
    query: DefinitionHistoryDocument,
    variables: { platformKey, key, after },
  });
  const history = data?.platform?.definitionHistory;
  if (error && !history)
    return (
      <li>
        <Failure error={error} onRetry={() => read({ requestPolicy: "network-only" })} />
      </li>
    );
  if (!history)
    return (
      <li>
        <Skeleton lines={4} />
      </li>
    );
  const { nodes, pageInfo } = history;
  const { hasNextPage, endCursor } = pageInfo;
  return (
    <>
      {nodes.length === 0 && <li className="quiet">{words.noHistory}</li>}
      {nodes.map((change, index) => {
        const before = nodes[index + 1]?.definition;
        // The change before the last one of a page is on the next page.
        const isKnown = index + 1 < nodes.length || !hasNextPage;
        return <Entry key={`${change.changedAt} ${index}`} change={change} before={before} isKnown={isKnown} />;
      })}
      {onMore && hasNextPage && endCursor && (
        <li>
          <Button onPress={() => onMore(endCursor)}>{words.older}</Button>
        </li>
      )}
    </>
  );
}

interface EntryProps {
  change: Change;
  before: DefinitionFragment | null | undefined;
  isKnown: boolean;
}

function Entry({ change: { changedAt, actor, definition }, before, isKnown }: EntryProps) {
  const words = useRolloutWords();
  const kind = !definition ? words.removed : before || !isKnown ? words.changed : words.created;
  return (
    <li>
      <p>
        <strong>{kind}</strong> <Instant at={changedAt} />{" "}
        <span className="quiet value">{actor ? words.by(actor.displayName) : words.bySomeone}</span>
      </p>
      {definition && before && (
        <ul>
          {differences(before, definition).map(({ name, old, now }) => (
            <li key={name} className="value code">
              {words.part(name, old ?? words.nothing, now ?? words.nothing)}
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

interface Difference {
  name: string;
  old?: string;
  now?: string;
}

/** What two definitions do not have in common. Weights are compared variant by variant. */
function differences(before: DefinitionFragment, after: DefinitionFragment): Difference[] {
  const [old, now] = [flat(before), flat(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((name) => ({ name, old: old.get(name), now: now.get(name) }))
    .filter((each) => each.old !== each.now);
}

function flat({ variants, key: _key, updatedAt: _updatedAt, ...rest }: DefinitionFragment): Map<string, string> {
  const parts = Object.entries(rest).filter(([, value]) => value !== null && value !== "");
  return new Map([
    ...parts.map(([name, value]) => [name, show(value)] as const),
    ...variants.map(({ name, value, weight }) => [name, `${show(value)}, ${weight / 1000} %`] as const),
  ]);
}
