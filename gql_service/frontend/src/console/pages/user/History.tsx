/** The changes of a user's document, newest first, with what was there before and after. */
import { useState } from "react";
import { Button } from "react-aria-components";
import { useQuery } from "urql";
import { More } from "../../components/admin/More";
import { Value } from "../../components/admin/Value";
import { useWords as useAdminWords } from "../../components/admin/words";
import { Instant } from "../../components/Instant";
import { Empty, Failure, Skeleton } from "../../components/State";
import { type HistoryPageFragment, type PastFragment, UserHistoryDocument } from "../../generated/graphql";
import { documentOf, type OpenDocument, variablesOf } from "./document";
import { Restore } from "./Restore";
import styles from "./User.module.css";
import { useWords } from "./words";

/** So many keys of a change are shown at first: a write may have changed 2,000. */
const SHOWN = 20;

export type Change = HistoryPageFragment["history"]["nodes"][number];

export function History(props: OpenDocument) {
  const words = useWords();
  const [chosen, setChosen] = useState<Change | null>(null);
  const [done, setDone] = useState("");
  return (
    <>
      <p role="status" className="success">
        {done}
      </p>
      <HistoryPage {...props} after={null} onRestore={setChosen} />
      {chosen && (
        <Restore
          {...props}
          change={chosen}
          onDone={(skipped) => {
            setChosen(null);
            setDone(skipped.length > 0 ? words.skipped(skipped.join(", ")) : words.restored);
          }}
          onClose={() => setChosen(null)}
        />
      )}
    </>
  );
}

interface PageProps extends OpenDocument {
  after: string | null;
  onRestore: (change: Change) => void;
}

function HistoryPage({ platformKey, username, after, onRestore }: PageProps) {
  const words = useWords();
  const [{ data, error }, read] = useQuery({
    query: UserHistoryDocument,
    variables: { ...variablesOf({ platformKey, username }), after },
  });
  const document = documentOf(data);
  if (!document) {
    return error ? <Failure error={error} onRetry={() => read({ requestPolicy: "network-only" })} /> : <Skeleton />;
  }
  const { nodes, pageInfo, prunedUntil } = document.history;
  if (nodes.length === 0 && after === null) {
    return (
      <Empty>
        <p>{words.noHistory}</p>
      </Empty>
    );
  }
  return (
    <>
      <ol>
        {nodes.map((change) => (
          <ChangeItem
            key={change.revision}
            change={change}
            isCurrent={change.revision === document.revision}
            onRestore={() => onRestore(change)}
          />
        ))}
      </ol>
      {prunedUntil && !pageInfo.hasNextPage && (
        <p className="quiet">
          {words.pruned} <Instant at={prunedUntil} />.
        </p>
      )}
      <More info={pageInfo}>
        {(next) => <HistoryPage platformKey={platformKey} username={username} after={next} onRestore={onRestore} />}
      </More>
    </>
  );
}

function ChangeItem({ change, isCurrent, onRestore }: { change: Change; isCurrent: boolean; onRestore: () => void }) {
  const words = useWords();
  const admin = useAdminWords();
  const [isWhole, setWhole] = useState(false);
  return (
    <li className={styles.change} aria-label={words.revision(change.revision)}>
      <div className="row spread">
        <p className="value">
          <strong>{words.revision(change.revision)}</strong> · <Instant at={change.changedAt} />{" "}
          {change.actor && `${words.by} ${change.actor.username} `}
          <span className="quiet">{words.via(change.source)}</span>
        </p>
        {!isCurrent && <Button onPress={onRestore}>{words.restore}</Button>}
      </div>
      <div className="scroll-x">
        <table className={`table ${styles.sides}`}>
          <thead>
            <tr>
              <th scope="col">{words.key}</th>
              <th scope="col">{words.before}</th>
              <th scope="col">{words.after}</th>
            </tr>
          </thead>
          <tbody>
            {change.changes.slice(0, isWhole ? undefined : SHOWN).map((entry) => (
              <tr key={entry.key}>
                <th scope="row">
                  <code className="value">{entry.key}</code>
                </th>
                <Past name={entry.key} entry={entry.old} />
                <Past name={entry.key} entry={entry.new} />
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {!isWhole && change.changes.length > SHOWN && (
        <div>
          <Button onPress={() => setWhole(true)}>{admin.more}</Button>
        </div>
      )}
    </li>
  );
}

function Past({ name, entry }: { name: string; entry: PastFragment | null | undefined }) {
  const words = useWords();
  if (!entry) return <td className="quiet">{words.nothing}</td>;
  const marks = [
    !entry.isPublic && words.hidden,
    !entry.isEditable && words.readOnly,
    entry.isEncrypted && words.encrypted,
  ].filter(Boolean);
  return (
    <td>
      {entry.isEncrypted && entry.value === null ? (
        <span className="quiet">{words.notKept}</span>
      ) : (
        <Value name={name} value={entry.value} />
      )}
      <div className="quiet small">
        {marks.join(" · ")}{" "}
        {entry.validFrom && (
          <>
            {words.from} <Instant at={entry.validFrom} />{" "}
          </>
        )}
        {entry.validUntil && (
          <>
            {words.until} <Instant at={entry.validUntil} />
          </>
        )}
      </div>
    </td>
  );
}
