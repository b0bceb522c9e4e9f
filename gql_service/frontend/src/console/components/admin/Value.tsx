import { useState } from "react";
import { Button, useLocale } from "react-aria-components";
import { Window } from "../Window";
import styles from "./Value.module.css";
import { useWords } from "./words";

/** So many characters of a value stand in a table; the rest is one click away. */
const SHORT = 160;

/** A value of a user as JSON, never as markup. Strings are shown without quotes where they cannot be mistaken. */
export function Value({ value, name }: { value: unknown; name: string }) {
  const words = useWords();
  const { locale } = useLocale();
  const [isOpen, setOpen] = useState(false);
  const text = textOf(value);
  if (text.length <= SHORT) return <span className={`value ${styles.text}`}>{text}</span>;
  return (
    <>
      <span className={`value ${styles.text}`}>{text.slice(0, SHORT)}…</span>{" "}
      <Button className="react-aria-Button link" onPress={() => setOpen(true)}>
        {words.showAll(text.length.toLocaleString(locale))}
      </Button>
      <Window title={<code className="value">{name}</code>} isOpen={isOpen} onClose={() => setOpen(false)} isWide>
        <pre className={`value ${styles.all}`}>{textOf(value, 2)}</pre>
      </Window>
    </>
  );
}

function textOf(value: unknown, indent?: number): string {
  if (typeof value !== "string") return JSON.stringify(value, null, indent) ?? "";
  // "true" and "42" are strings that would look like something else; so would an empty one.
  return value === "" || value !== value.trim() || isLiteral(value) ? JSON.stringify(value) : value;
}

const isLiteral = (text: string) => /^(true|false|null|-?[\d.]+([eE][+-]?\d+)?)$/.test(text);
