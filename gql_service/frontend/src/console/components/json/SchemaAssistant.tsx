/** What a JSON Schema says about the value in a field: what is expected, and what is wrong where, while it is typed. */
import { Fragment, type ReactNode, useDeferredValue, useMemo, useRef } from "react";
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
  const words = useWords();
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
      {hints.lines.length > 0 && (
        // Where it is longer than the field, keys have to scroll it.
        <aside className={`small ${styles.hints}`} aria-label={words.expected} tabIndex={0}>
          <Lines hints={hints.lines} whole={words.whole} />
          {hints.isCut && <p className="quiet">{words.cut}</p>}
        </aside>
      )}
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

/** @param whole What stands for the name of the whole value. */
function Lines({ hints, whole }: { hints: readonly Hint[]; whole: string }) {
  return (
    <ul>
      {hints.map((hint, index) => (
        <li key={index}>
          <Line hint={hint} whole={whole} />
        </li>
      ))}
    </ul>
  );
}

/** So much of a rule is shown that there are no words for. */
const LONGEST_RULE = 300;

function Line({ hint, whole }: { hint: Hint; whole: string }) {
  const words = useWords();
  const rest = Object.keys(hint.rest).length > 0 ? JSON.stringify(hint.rest).slice(0, LONGEST_RULE) : "";
  return (
    <>
      {hint.name ? <code className="value">{hint.name}</code> : whole}{" "}
      <span className="quiet">{words.or(hint.types)}</span>
      {hint.isRequired && <strong> {words.required}</strong>}
      {hint.choices.length > 0 && <span className="value"> {words.oneOf(hint.choices)}</span>}
      {(hint.least !== undefined || hint.most !== undefined) && ` ${words.bounds(hint.least, hint.most)}`}
      {hint.bounds.map((bound) => ` ${words.broken(bound)}`)}
      {hint.isClosed && ` ${words.closed}`}
      {hint.pattern && (
        <>
          {" "}
          {words.pattern} <code className="value">{hint.pattern}</code>
        </>
      )}
      {rest && (
        <>
          {" "}
          {words.rule} <code className="value">{rest}</code>
        </>
      )}
      {hint.description && <p className="quiet value">{hint.description}</p>}
      {hint.alternatives.map(({ isExclusive, all }, index) => (
        <Fragment key={index}>
          <p>{isExclusive ? words.exactlyOne : words.atLeastOne}</p>
          <ol className={styles.alternatives}>
            {all.map((hints, index) => (
              <li key={index}>{hints.length > 0 ? <Lines hints={hints} whole="" /> : words.anything}</li>
            ))}
          </ol>
        </Fragment>
      ))}
    </>
  );
}
