/** What a JSON Schema says about the value in a field: what is expected, and what is wrong where, while it is typed. */
import { type ReactNode, useDeferredValue, useMemo, useRef } from "react";
import { Button } from "react-aria-components";
import { type Hint, hintsOf } from "./hints";
import styles from "./Json.module.css";
import { lineOf, locate, type Place } from "./locate";
import { type Problem, problemsOf } from "./schema";
import { useWords } from "./words";

/** Longer texts are left to the server: looking through them at each key would be slow. */
const LONGEST = 100_000;

interface Props {
  /** Undefined if there is none. */
  schema: unknown;
  text: string;
  /** The field, with a textarea. */
  children: ReactNode;
}

export function SchemaAssistant({ schema, text, children }: Props) {
  const field = useRef<HTMLDivElement>(null);
  const hints = useMemo(() => hintsOf(schema), [schema]);
  const settled = useDeferredValue(text);
  const found = useMemo(() => look(schema, settled), [schema, settled]);

  /** Put the cursor where the problem is. */
  function show([start, end]: Place): void {
    const area = field.current?.querySelector("textarea");
    area?.focus();
    area?.setSelectionRange(start, end);
  }

  return (
    <div className={styles.assistant}>
      <div ref={field} className={styles.field}>
        {children}
        <Problems found={found} text={settled} onShow={show} />
      </div>
      {hints.length > 0 && <Hints hints={hints} />}
    </div>
  );
}

interface Found {
  problem: Problem;
  place: Place;
}

function look(schema: unknown, text: string): readonly Found[] {
  if (schema === undefined || schema === null || text.length > LONGEST) return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return []; // the field says so
  }
  const problems = problemsOf(schema, value);
  if (problems.length === 0) return [];
  const places = locate(text);
  return problems.map((problem) => ({ problem, place: places.get(problem.path) ?? [0, text.length] }));
}

interface ProblemsProps {
  found: readonly Found[];
  text: string;
  onShow: (place: Place) => void;
}

function Problems({ found, text, onShow }: ProblemsProps) {
  const words = useWords();
  return (
    <ul role="status" className={styles.problems}>
      {found.map(({ problem, place }) => (
        <li key={`${problem.path} ${problem.kind} ${"name" in problem ? problem.name : ""}`}>
          <Button className="react-aria-Button plain" onPress={() => onShow(place)}>
            {words.place(lineOf(text, place[0]), problem.path)}
          </Button>{" "}
          <span className="warning value">{words.broken(problem)}</span>
        </li>
      ))}
    </ul>
  );
}

function Hints({ hints }: { hints: readonly Hint[] }) {
  const words = useWords();
  return (
    <aside className={`small ${styles.hints}`} aria-label={words.expected}>
      <ul>
        {hints.map((hint) => (
          <li key={hint.name}>
            {hint.name ? <code className="value">{hint.name}</code> : words.whole}{" "}
            <span className="quiet">{words.or(hint.types)}</span>
            {hint.isRequired && <strong> {words.required}</strong>}
            {hint.choices.length > 0 && <span className="value"> {words.oneOf(hint.choices)}</span>}
            {(hint.least !== undefined || hint.most !== undefined) && ` ${words.bounds(hint.least, hint.most)}`}
            {hint.description && <p className="quiet value">{hint.description}</p>}
          </li>
        ))}
      </ul>
    </aside>
  );
}
