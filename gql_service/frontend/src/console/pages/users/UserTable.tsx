import { Link } from "react-router";
import { Instant } from "../../components/Instant";
import type { UserRowFragment } from "../../generated/graphql";
import type { Column } from "./columns";
import styles from "./Users.module.css";
import { useWords } from "./words";

interface Props {
  platformKey: string;
  users: readonly UserRowFragment[];
  columns: readonly Column[];
}

export function UserTable({ platformKey, users, columns }: Props) {
  const words = useWords();
  return (
    <div className="scroll-x">
      <table className={`table stacked ${styles.table}`}>
        <thead>
          <tr>
            <th scope="col">{words.username}</th>
            {columns.map((column) => (
              <th key={column} scope="col">
                {words.columnNames[column]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {users.map((user) => (
            <tr key={user.id}>
              <td>
                <Link className="value" to={addressOf(platformKey, user.username)} state={{ user }}>
                  {user.username}
                </Link>
              </td>
              {columns.map((column) => (
                <td key={column} className="value" data-label={words.columnNames[column]}>
                  <Cell user={user} column={column} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const addressOf = (platformKey: string, username: string) =>
  `/console/p/${platformKey}/users/${encodeURIComponent(username)}`;

function Cell({ user, column }: { user: UserRowFragment; column: Column }) {
  const words = useWords();
  switch (column) {
    case "name":
      return user.displayName;
    case "email":
      return user.email;
    case "language":
      return user.language;
    case "permissions":
      return [user.isPlatformOwner ? words.owner : "", ...(user.permissions ?? [])].filter(Boolean).join(", ");
    default:
      return user[column] ? <Instant at={user[column]} /> : null;
  }
}
