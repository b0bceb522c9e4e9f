import type { Difference } from "./differences";
import { Value } from "./Value";
import { useWords } from "./words";

interface Props {
  differences: readonly Difference[];
  /** Of the two columns. */
  titles: readonly [string, string];
  /** What is said if nothing differs. */
  empty: string;
}

/** Two documents side by side: only what differs. */
export function Comparison({ differences, titles, empty }: Props) {
  const words = useWords();
  if (differences.length === 0) return <p className="quiet">{empty}</p>;
  return (
    <div className="scroll-x">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{words.key}</th>
            <th scope="col">{titles[0]}</th>
            <th scope="col">{titles[1]}</th>
          </tr>
        </thead>
        <tbody>
          {differences.map(({ key, before, after }) => (
            <tr key={key}>
              <th scope="row">
                <code className="value">{key}</code>
              </th>
              <Side name={key} value={before} />
              <Side name={key} value={after} />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Side({ name, value }: { name: string; value: unknown }) {
  const words = useWords();
  if (value === undefined) return <td className="quiet">{words.nothing}</td>;
  return (
    <td>
      <Value name={name} value={value} />
    </td>
  );
}
