import { defineWords } from "../../words";
import type { Choice } from "./choices";
import type { What } from "./schema";

type Bounded = Extract<What, { bound: number }>["kind"];

const json = (values: readonly unknown[]) =>
  values
    .slice(0, 20)
    .map((value) => JSON.stringify(value))
    .join(", ");

const named = (choices: readonly Choice[]) =>
  choices
    .slice(0, 20)
    .map(({ value, title }) => JSON.stringify(value) + (title && ` (${title})`))
    .join(", ");

export const useWords = defineWords({
  en: {
    expected: "What is expected",
    whole: "the whole value",
    required: "required",
    oneOf: (choices: readonly Choice[]) => `one of ${named(choices)}`,
    exactlyOne: "exactly one of:",
    atLeastOne: "at least one of:",
    anything: "anything",
    cut: "The schema says more than fits here.",
    closed: "no other members",
    pattern: "must match",
    rule: "rule:",
    bounds: (least: number | undefined, most: number | undefined) =>
      least === undefined ? `at most ${most}` : most === undefined ? `at least ${least}` : `${least} to ${most}`,
    or: (types: readonly string[]) => types.join(" or "),
    place: (line: number, path: string) => `Line ${line}${path && `, ${path}`}:`,
    broken: (what: What): string => {
      if (what.kind === "type") return `must be of the type ${what.types.join(" or ")}.`;
      if (what.kind === "choice") return `must be one of ${json(what.choices)}.`;
      if ("name" in what) return `“${what.name}” is ${what.kind === "missing" ? "missing" : "not expected"}.`;
      return what.kind === "never" ? "nothing is allowed here." : ENGLISH[what.kind](what.bound);
    },
  },
  de: {
    expected: "Was erwartet wird",
    whole: "der ganze Wert",
    required: "muss da sein",
    oneOf: (choices) => `eines von ${named(choices)}`,
    exactlyOne: "genau eines von:",
    atLeastOne: "mindestens eines von:",
    anything: "irgendetwas",
    cut: "Das Schema sagt mehr, als hier Platz hat.",
    closed: "keine weiteren Felder",
    pattern: "muss diesem Muster entsprechen:",
    rule: "Regel:",
    bounds: (least, most) =>
      least === undefined ? `höchstens ${most}` : most === undefined ? `mindestens ${least}` : `${least} bis ${most}`,
    or: (types) => types.join(" oder "),
    place: (line, path) => `Zeile ${line}${path && `, ${path}`}:`,
    broken: (what) => {
      if (what.kind === "type") return `muss vom Typ ${what.types.join(" oder ")} sein.`;
      if (what.kind === "choice") return `muss eines von ${json(what.choices)} sein.`;
      if ("name" in what) return `„${what.name}“ ${what.kind === "missing" ? "fehlt" : "wird nicht erwartet"}.`;
      return what.kind === "never" ? "hier ist nichts erlaubt." : GERMAN[what.kind](what.bound);
    },
  },
});

const ENGLISH: Record<Bounded, (bound: number) => string> = {
  least: (bound) => `must be at least ${bound}.`,
  most: (bound) => `must be at most ${bound}.`,
  above: (bound) => `must be more than ${bound}.`,
  below: (bound) => `must be less than ${bound}.`,
  shortest: (bound) => `must have at least ${bound} characters.`,
  longest: (bound) => `must have at most ${bound} characters.`,
  fewest: (bound) => `must have at least ${bound} items.`,
  atMost: (bound) => `must have at most ${bound} items.`,
};

const GERMAN: Record<Bounded, (bound: number) => string> = {
  least: (bound) => `muss mindestens ${bound} sein.`,
  most: (bound) => `darf höchstens ${bound} sein.`,
  above: (bound) => `muss mehr als ${bound} sein.`,
  below: (bound) => `muss weniger als ${bound} sein.`,
  shortest: (bound) => `muss mindestens ${bound} Zeichen haben.`,
  longest: (bound) => `darf höchstens ${bound} Zeichen haben.`,
  fewest: (bound) => `muss mindestens ${bound} Elemente haben.`,
  atMost: (bound) => `darf höchstens ${bound} Elemente haben.`,
};
