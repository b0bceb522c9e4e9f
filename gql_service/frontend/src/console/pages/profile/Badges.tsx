/** The badges of the viewer: earned ones first, then locked ones with what is to be done. */
import { Award, Lock } from "lucide-react";
import { useQuery } from "urql";
import { Day } from "../../components/Instant";
import { Failure, Skeleton } from "../../components/State";
import { Window } from "../../components/Window";
import { BadgesDocument } from "../../generated/graphql";
import styles from "./Badges.module.css";
import { useWords } from "./words";

export function Badges({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const words = useWords();
  return (
    <Window title={words.badgesTitle} isOpen={isOpen} onClose={onClose} isWide>
      <BadgeList />
    </Window>
  );
}

function BadgeList() {
  const words = useWords();
  const [{ data, error }, read] = useQuery({ query: BadgesDocument });
  if (error && !data) return <Failure error={error} onRetry={() => read({ requestPolicy: "network-only" })} />;
  if (!data) return <Skeleton lines={4} />;

  const earnedAt = new Map(data.me.badges?.map((badge) => [badge.name, badge.earnedAt]));
  const catalog = data.badgeCatalog;
  const earned = catalog.filter((badge) => earnedAt.has(badge.name));
  const locked = catalog.filter((badge) => !earnedAt.has(badge.name));
  return (
    <>
      <div className="row">
        <strong>{words.earned(earned.length, catalog.length)}</strong>
        <progress className={styles.progress} max={catalog.length} value={earned.length} aria-hidden />
      </div>
      <ul className={styles.badges}>
        {earned.map((badge) => (
          <li key={badge.name} className={styles.earned}>
            <Award aria-hidden size={28} className="success" />
            <h3>{badge.title}</h3>
            <p>{badge.description}</p>
            <p className="small">
              {words.earnedAt} <Day at={earnedAt.get(badge.name) ?? 0} />
            </p>
          </li>
        ))}
        {locked.map((badge) => (
          <li key={badge.name} className={styles.locked}>
            <span className="row">
              <Award aria-hidden size={28} />
              <Lock aria-hidden size={14} /> {words.locked}
            </span>
            <h3>{badge.title}</h3>
            <p>
              {words.toDo} {badge.criteria}
            </p>
          </li>
        ))}
      </ul>
      {locked.length === 0 && <p>{words.allEarned}</p>}
    </>
  );
}
