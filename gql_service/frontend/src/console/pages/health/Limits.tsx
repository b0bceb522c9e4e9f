import { useNumberFormat } from "../../components/format";
import type { HealthQuery } from "../../generated/graphql";
import styles from "./Health.module.css";
import { type LimitName, useWords } from "./words";

type AllLimits = NonNullable<HealthQuery["serviceStatus"]>["limits"];

const KIBIBYTE = 1024;

/** The limits of requests and of stored data, in words and with units. */
export function Limits({ limits }: { limits: AllLimits }) {
  const words = useWords();
  const number = useNumberFormat({ maximumFractionDigits: 1 });
  return (
    <table className={`table ${styles.limits}`}>
      <thead>
        <tr>
          <th>{words.limit}</th>
          <th>{words.value}</th>
        </tr>
      </thead>
      <tbody>
        {(Object.entries(words.limitNames) as [LimitName, string][]).map(([name, text]) => (
          <tr key={name}>
            <td>{text}</td>
            <td title={`${name}: ${limits[name]}`}>{inUnits(name, limits[name], number)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function inUnits(name: LimitName, value: number, format: Intl.NumberFormat): string {
  const number = (each: number) => format.format(each);
  if (name === "requestSeconds") return `${number(value)} s`;
  if (!name.endsWith("Bytes")) return number(value);
  return value >= KIBIBYTE * KIBIBYTE
    ? `${number(value / KIBIBYTE / KIBIBYTE)} MiB`
    : `${number(value / KIBIBYTE)} KiB`;
}
