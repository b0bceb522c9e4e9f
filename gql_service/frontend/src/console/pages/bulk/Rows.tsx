import { useState } from "react";
import { Button } from "react-aria-components";
import { Value } from "../../components/admin/Value";
import { useWords as useAdminWords } from "../../components/admin/words";
import { TableHead } from "../../components/TableHead";
import type { Row } from "./patch";
import { useWords } from "./words";

/** So many users are in the table at first: what matters is whether the change is what was meant. */
const SHOWN = 100;

/** What changes for each user. Those for whom it was refused come first. */
export function Rows({ rows }: { rows: readonly Row[] }) {
  const words = useWords();
  const admin = useAdminWords();
  const [shown, setShown] = useState(SHOWN);
  const sorted = [...rows.filter((row) => row.problem !== null), ...rows.filter((row) => row.problem === null)];
  return (
    <>
      <div className="scroll-x">
        <table className="table">
          <TableHead titles={[words.user, admin.key, words.before, words.after]} />
          <tbody>
            {sorted.slice(0, shown).map((row) => (
              <UserRows key={row.username} row={row} />
            ))}
          </tbody>
        </table>
      </div>
      {sorted.length > shown && (
        <div>
          <Button onPress={() => setShown(shown + SHOWN)}>{admin.more}</Button>
        </div>
      )}
    </>
  );
}

function UserRows({ row }: { row: Row }) {
  const words = useWords();
  const name = (
    <>
      <code className="value">{row.username}</code> {row.isWritten && <span className="success">✓ {words.written}</span>}
    </>
  );
  if (row.problem !== null || row.differences.length === 0) {
    return (
      <tr>
        <th scope="row">{name}</th>
        <td colSpan={3} className={row.problem === null ? "quiet" : "danger"}>
          {row.problem ?? words.unchanged}
        </td>
      </tr>
    );
  }
  return row.differences.map((each, index) => (
    <tr key={each.key}>
      {index === 0 && (
        <th scope="row" rowSpan={row.differences.length}>
          {name}
        </th>
      )}
      <td>
        <code className="value">{each.key}</code>
      </td>
      <Side name={each.key} value={each.before} />
      <Side name={each.key} value={each.after} />
    </tr>
  ));
}

function Side({ name, value }: { name: string; value: unknown }) {
  const { nothing } = useAdminWords();
  if (value === undefined) return <td className="quiet">{nothing}</td>;
  return (
    <td>
      <Value name={name} value={value} />
    </td>
  );
}
