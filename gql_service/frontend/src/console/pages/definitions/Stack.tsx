/** The shares of all variants as one bar. What is left over is the default's. */
import { useNumberFormat } from "../../components/format";
import { ALL } from "./Rollout";
import styles from "./Rollout.module.css";
import { useRolloutWords } from "./rollout-words";

export function Stack({ variants }: { variants: readonly { name: string; weight: number }[] }) {
  const words = useRolloutWords();
  const percent = useNumberFormat({ style: "percent", maximumFractionDigits: 3 });
  const rest = ALL - variants.reduce((sum, each) => sum + each.weight, 0);
  const parts = [...variants.map((each) => [each.name, each.weight] as const), [words.defaultIs, rest] as const];
  const text = parts.map(([name, weight]) => `${name} ${percent.format(weight / ALL)}`).join(", ");
  return (
    <div role="img" aria-label={words.shares(text)} className={styles.bar}>
      {variants.map(({ name, weight }, index) => (
        <span
          key={name}
          className={styles.part}
          data-colour={index % 4}
          style={{ width: `${(100 * weight) / ALL}%` }}
          title={`${name} ${percent.format(weight / ALL)}`}
        />
      ))}
    </div>
  );
}
