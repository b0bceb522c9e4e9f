import { useLocale } from "react-aria-components";
import { now } from "./clock";
import { useDateFormat } from "./format";

const STEPS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** An instant in words, such as "3 days ago"; the exact one, in the viewer's time zone, is the title. */
export function Instant({ at }: { at: string | number }) {
  const { locale } = useLocale();
  const instant = new Date(at);
  const exact = useDateFormat({ dateStyle: "medium", timeStyle: "long" }).format(instant);
  return (
    <time dateTime={instant.toISOString()} title={exact}>
      {inWords(instant, locale)}
    </time>
  );
}

function inWords(instant: Date, locale: string): string {
  const seconds = (instant.getTime() - now()) / 1000;
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const [unit, size] = STEPS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return format.format(Math.trunc(seconds / size), unit);
}

/** A day, such as "22 Apr 2024", in the viewer's time zone. */
export function Day({ at }: { at: string | number }) {
  const day = useDateFormat({ dateStyle: "medium" });
  const instant = new Date(at);
  return (
    <time dateTime={instant.toISOString()}>
      {day.format(instant)}
    </time>
  );
}
