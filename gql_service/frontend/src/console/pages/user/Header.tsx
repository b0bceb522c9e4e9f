import { Instant } from "../../components/Instant";
import type { AdminUser } from "./User";
import styles from "./User.module.css";
import { useWords } from "./words";

type Facts = Partial<AdminUser> & { username: string; displayName: string };

export const LOCKS = [
  "passwordChangeDisabled",
  "projectCreationDisabled",
  "profileFieldChangeDisabled",
  "messagingDisabled",
] as const;

export function Header({ user }: { user: Facts }) {
  const words = useWords();
  const locks = LOCKS.filter((lock) => user[lock]);
  return (
    <header className="stack">
      <div>
        <h1 className="value">{user.displayName}</h1>
        <p className="value">
          <code>{user.username}</code> · {user.email}{" "}
          {user.emailVerified ? (
            <span className="success small">✓ {words.verified}</span>
          ) : (
            <span className="quiet small">{words.notVerified}</span>
          )}
        </p>
      </div>
      <dl className={`small ${styles.facts}`}>
        {user.tenantId && (
          <div>
            <dt>{words.tenant}</dt>
            <dd>
              <code>{user.tenantId}</code>
            </dd>
          </div>
        )}
        <div>
          <dt>{words.permissions}</dt>
          <dd className="value">
            {[user.isPlatformOwner ? words.owner : "", ...(user.permissions ?? [])].filter(Boolean).join(", ") ||
              words.noPermissions}
          </dd>
        </div>
        {user.createdAt && (
          <div>
            <dt>{words.created}</dt>
            <dd>
              <Instant at={user.createdAt} />
            </dd>
          </div>
        )}
      </dl>
      {locks.length > 0 && <p className="warning">{locks.map((lock) => words.locks[lock]).join(", ")}</p>}
    </header>
  );
}
