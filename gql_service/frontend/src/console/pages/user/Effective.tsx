import { useCallback } from "react";
import { useQuery } from "urql";
import { useDefinitionChanges } from "../../components/admin/definition-changes";
import { Value } from "../../components/admin/Value";
import { Empty, Failure, Skeleton } from "../../components/State";
import { TableHead } from "../../components/TableHead";
import { type EvaluationFieldsFragment as Evaluation, UserEvaluationsDocument } from "../../generated/graphql";
import { useWords } from "./words";

/** What the user gets of each key, why, and what it would be without their own entry. */
export function Effective(variables: { platformKey: string; username: string }) {
  const words = useWords();
  const [{ data, error }, read] = useQuery({ query: UserEvaluationsDocument, variables });
  const readAgain = useCallback(() => read({ requestPolicy: "network-only" }), [read]);
  useDefinitionChanges(variables.platformKey, null, readAgain);
  const document = data?.platformMetadata;
  if (!document) {
    return error ? <Failure error={error} onRetry={readAgain} /> : <Skeleton />;
  }
  if (document.evaluations.length === 0) {
    return (
      <Empty>
        <p>{words.noEffective}</p>
      </Empty>
    );
  }
  const without = new Map(document.withoutEntries.map((each) => [each.key, each]));
  return (
    <div className="scroll-x">
      <table className="table">
        <TableHead titles={[words.key, words.value, words.reason, words.withoutEntry]} />
        <tbody>
          {document.evaluations.map((evaluation) => (
            <tr key={evaluation.key}>
              <th scope="row">
                <code className="value">{evaluation.key}</code>
              </th>
              <td>
                {evaluation.source === null ? (
                  <span className="quiet">{words.noValue}</span>
                ) : (
                  <Value name={evaluation.key} value={evaluation.value} />
                )}
              </td>
              <td className={evaluation.reason === "ERROR" ? "danger" : undefined}>
                <Reason {...evaluation} />
              </td>
              <td>{decides(evaluation) && <WithoutEntry evaluation={without.get(evaluation.key)} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Whether the value would be another one, or have another reason, without the entry of the user. */
const decides = ({ source, reason }: Evaluation) => source === "ENTRY" || reason === "ERROR";

function WithoutEntry({ evaluation }: { evaluation: Evaluation | undefined }) {
  const words = useWords();
  if (!evaluation || evaluation.source === null) return <span className="quiet">{words.noValue}</span>;
  return (
    <>
      <Value name={evaluation.key} value={evaluation.value} />
      <br />
      <span className="small quiet">
        <Reason {...evaluation} />
      </span>
    </>
  );
}

function Reason({ reason, source, variant }: Evaluation) {
  const words = useWords();
  return (
    <>
      {source === "USER_WIDE_ENTRY" ? words.userWide : words.reasons[reason]}
      {variant !== null && <span className="value quiet">: {words.variant(variant)}</span>}
    </>
  );
}
