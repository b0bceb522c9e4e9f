import { now } from "../../components/clock";
import { Day } from "../../components/Instant";
import styles from "./User.module.css";
import { useWords } from "./words";

interface Window {
  validFrom?: string | null;
  validUntil?: string | null;
}

export interface Scale {
  start: number;
  end: number;
}

/** One scale for all entries of a table: all their instants and now, with a margin for what has no end. */
export function scaleOf(windows: readonly Window[]): Scale {
  const instants = windows.flatMap(({ validFrom, validUntil }) => [validFrom, validUntil]);
  const times = [now(), ...instants.filter((each) => typeof each === "string").map((each) => Date.parse(each))];
  const [start, end] = [Math.min(...times), Math.max(...times)];
  const margin = (end - start || 1) * 0.1;
  return { start: start - margin, end: end + margin };
}

/** When an entry is valid: in words, and as a bar with a mark for now. */
export function TimeLine({ entry, scale }: { entry: Window; scale: Scale }) {
  const words = useWords();
  const { validFrom, validUntil } = entry;
  if (!validFrom && !validUntil) return <span className="quiet small">{words.always}</span>;
  const at = (time: number) => (100 * (time - scale.start)) / (scale.end - scale.start);
  const left = validFrom ? at(Date.parse(validFrom)) : 0;
  const right = validUntil ? at(Date.parse(validUntil)) : 100;
  const today = at(now());
  return (
    <>
      <svg aria-hidden className={styles.line} viewBox="0 0 100 10" preserveAspectRatio="none">
        <rect width={100} y={4} height={2} />
        <rect className={styles.window} x={left} width={Math.max(right - left, 1)} y={2} height={6} />
        <line x1={today} x2={today} y1={0} y2={10} vectorEffect="non-scaling-stroke" />
      </svg>
      <span className="small">
        {validFrom && (
          <>
            {words.from} <Day at={validFrom} />{" "}
          </>
        )}
        {validUntil && (
          <>
            {words.until} <Day at={validUntil} />
          </>
        )}
      </span>
    </>
  );
}
