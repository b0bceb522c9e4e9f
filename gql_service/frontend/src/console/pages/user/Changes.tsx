import { useQuery } from "urql";
import { More } from "../../components/admin/More";
import { Value } from "../../components/admin/Value";
import { Instant } from "../../components/Instant";
import { Empty, Failure, Skeleton } from "../../components/State";
import { TableHead } from "../../components/TableHead";
import { UserChangesDocument, type UserChangesQuery } from "../../generated/graphql";
import { useAccountWords } from "./account-words";
import styles from "./User.module.css";
import { useWords } from "./words";

type Change = NonNullable<NonNullable<UserChangesQuery["user"]>["changes"]>["nodes"][number];

/** The audit of the account: who changed which field, newest first. */
export function Changes({ username, after = null }: { username: string; after?: string | null }) {
  const words = useAccountWords();
  const { before, after: afterwards } = useWords();
  const [{ data, error }, read] = useQuery({ query: UserChangesDocument, variables: { username, after } });
  const changes = data?.user?.changes;
  if (!changes) {
    return error ? <Failure error={error} onRetry={() => read({ requestPolicy: "network-only" })} /> : <Skeleton />;
  }
  if (changes.nodes.length === 0 && after === null) {
    return (
      <Empty>
        <p>{words.noChanges}</p>
      </Empty>
    );
  }
  return (
    <>
      <div className="scroll-x">
        <table className="table stacked">
          <TableHead titles={[words.when, words.who, words.what, before, afterwards]} />
          <tbody>
            {changes.nodes.map((change) => (
              <ChangeRow key={change.id} change={change} />
            ))}
          </tbody>
        </table>
      </div>
      <More info={changes.pageInfo}>{(next) => <Changes username={username} after={next} />}</More>
    </>
  );
}

function ChangeRow({ change }: { change: Change }) {
  const words = useAccountWords();
  const { via, before, after } = useWords();
  const what = [change.field, change.member].filter(Boolean).join(": ");
  return (
    <tr>
      <td>
        <Instant at={change.changedAt} />
      </td>
      <td className={styles.who} data-label={words.who}>
        <span className="value">{change.actor?.username ?? change.actorId ?? words.unknownActor}</span>
        <div className="quiet small">{via(change.source)}</div>
      </td>
      <td>
        {words.actions[change.action]} <code className="value">{what}</code>
      </td>
      <Side label={before} name={what} value={change.oldValue} />
      <Side label={after} name={what} value={change.newValue} />
    </tr>
  );
}

function Side({ label, name, value }: { label: string; name: string; value: unknown }) {
  return <td data-label={label}>{value !== null && value !== undefined && <Value name={name} value={value} />}</td>;
}
