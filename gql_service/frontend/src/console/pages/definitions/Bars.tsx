/** Small charts: a share as one bar, and a bar for each day. Both say in words what they show. */
import { useNumberFormat } from "../../components/format";
import styles from "./Bars.module.css";

/** How much of a whole. The text beside it says the same. */
export function Share({ part, whole, text }: { part: number; whole: number; text: string }) {
  return (
    <span className={styles.share}>
      <span aria-hidden className={styles.whole}>
        <span style={{ width: `${whole ? (100 * part) / whole : 0}%` }} />
      </span>
      <span className="small quiet">{text}</span>
    </span>
  );
}

interface Bar {
  name: string;
  value: number;
  /** What a pointer over the bar shows. */
  text: string;
}

const HEIGHT = 64;
const STEP = 12;

/** A bar for each item, with a summary in words for those who cannot see it. */
export function Bars({ title, summary, bars }: { title: string; summary: string; bars: readonly Bar[] }) {
  const format = useNumberFormat({ notation: "compact" });
  const most = Math.max(1, ...bars.map((bar) => bar.value));
  return (
    <figure className={styles.figure}>
      <figcaption className="small quiet">{title}</figcaption>
      <div className={styles.chart}>
        <svg
          role="img"
          aria-label={summary}
          viewBox={`0 0 ${Math.max(1, bars.length) * STEP} ${HEIGHT}`}
          preserveAspectRatio="none"
        >
          {bars.map((bar, index) => {
            const height = (HEIGHT * bar.value) / most;
            return (
              <rect key={bar.name} x={index * STEP + 1} y={HEIGHT - height} width={STEP - 2} height={height}>
                <title>{bar.text}</title>
              </rect>
            );
          })}
        </svg>
        <span aria-hidden className="small quiet">
          {format.format(most)}
        </span>
      </div>
      <p className="small">{summary}</p>
    </figure>
  );
}
