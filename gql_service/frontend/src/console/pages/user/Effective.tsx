import { useQuery } from "urql";
import { Value } from "../../components/admin/Value";
import { Empty, Failure, Skeleton } from "../../components/State";
import { UserEvaluationsDocument } from "../../generated/graphql";
import { useWords } from "./words";

/** What the user gets of each key, and why. */
export function Effective(variables: { platformKey: string; username: string }) {
  const words = useWords();
  const [{ data, error }, read] = useQuery({ query: UserEvaluationsDocument, variables });
  const evaluations = data?.platformMetadata?.evaluations;
  if (!evaluations) {
    return error ? <Failure error={error} onRetry={() => read({ requestPolicy: "network-only" })} /> : <Skeleton />;
  }
  if (evaluations.length === 0) {
    return (
      <Empty>
        <p>{words.noEffective}</p>
      </Empty>
    );
  }
  return (
    <div className="scroll-x">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{words.key}</th>
            <th scope="col">{words.value}</th>
            <th scope="col">{words.reason}</th>
          </tr>
        </thead>
        <tbody>
          {evaluations.map(({ key, value, reason, variant }) => (
            <tr key={key}>
              <th scope="row">
                <code className="value">{key}</code>
              </th>
              <td>
                <Value name={key} value={value} />
              </td>
              <td className={reason === "ERROR" ? "danger" : undefined}>
                {words.reasons[reason]}
                {variant !== null && <span className="value quiet">: {words.variant(variant)}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
