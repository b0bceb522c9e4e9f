/** Events, newest first. New ones are marked for two seconds. */
import { useEffect, useState } from "react";
import { useEventNames } from "../../components/event-words";
import { Instant } from "../../components/Instant";
import type { EventPartsFragment } from "../../generated/graphql";
import styles from "./Activity.module.css";
import type { LiveEvent } from "./live";
import type { Names } from "./names";
import { useWords } from "./words";

const MARKED = 2000;
const SHOWN_KEYS = 10;

interface EventListProps {
  edges: readonly (EventPartsFragment | LiveEvent)[];
  names: Names;
}

export function EventList({ edges, names }: EventListProps) {
  const words = useWords();
  return (
    <ol className={styles.events} aria-label={words.events}>
      {edges.map((edge) => (
        <Row key={edge.cursor} edge={edge} names={names} />
      ))}
    </ol>
  );
}

function Row({ edge, names }: { edge: EventPartsFragment | LiveEvent; names: Names }) {
  const words = useWords();
  const types = useEventNames();
  const { node } = edge;
  const isNew = useMark("shownAt" in edge ? edge.shownAt : 0);
  const rest = node.changedKeys.length - SHOWN_KEYS;
  const name = (id: string) => names.get(id) ?? id;
  return (
    <li data-new={isNew || undefined}>
      <div className="row spread">
        <span>
          <strong>{types[node.type]}</strong>{" "}
          {node.userId && node.userId !== node.actorId && <span className="value">{words.of(name(node.userId))} </span>}
          <span className="quiet value">{node.actorId ? words.by(name(node.actorId)) : words.byNobody}</span>
        </span>
        <span className="small quiet">
          {!node.platformKey && `${words.wholeTenant} · `}
          {typeof node.revision === "number" && `${words.revision(node.revision)} · `}
          <Instant at={node.occurredAt} />
        </span>
      </div>
      {node.changedKeys.length > 0 && (
        <p className="code value">
          {node.changedKeys.slice(0, SHOWN_KEYS).join(", ")} {rest > 0 && words.more(rest)}
        </p>
      )}
    </li>
  );
}

/** True until the time for the mark is over. */
function useMark(shownAt: number): boolean {
  const [isNew, setNew] = useState(() => Date.now() - shownAt < MARKED);
  useEffect(() => {
    if (!isNew) return;
    const timer = setTimeout(() => setNew(false), MARKED);
    return () => clearTimeout(timer);
  }, [isNew]);
  return isNew;
}
