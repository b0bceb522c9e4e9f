/** What a JSON Schema says about a value and its members, as lines that stand beside the field. What there are no words
 * for is shown as it stands in the schema. */
import { type Choice, choicesAmong, textOf } from "./choices";
import { ANNOTATIONS, BOUNDS, boundsOf, isObject, listOf, merged, type What } from "./schema";

export interface Hint {
  /** Such as `plan.tier` or `tags[]`; empty for the whole value. */
  name: string;
  types: readonly string[];
  isRequired: boolean;
  choices: readonly Choice[];
  least: number | undefined;
  most: number | undefined;
  /** Other bounds. */
  bounds: readonly What[];
  /** A regular expression. */
  pattern: string;
  /** Whether no other members are allowed than those that have a line. */
  isClosed: boolean;
  description: string;
  alternatives: readonly Alternatives[];
  /** The rules that there are no words for. */
  rest: Record<string, unknown>;
}

interface Alternatives {
  /** Whether exactly one has to fit, not at least one. */
  isExclusive: boolean;
  /** What each says, as lines of its own. */
  all: readonly (readonly Hint[])[];
}

type Rules = Record<string, unknown>;

const MOST_HINTS = 60;
/** So many parts of a schema are looked at: a short one may name itself again and again. */
const MOST_PARTS = 1000;
const MOST_DEPTH = 4;
const IN_WORDS: ReadonlySet<string> = new Set([
  ...ANNOTATIONS,
  ...BOUNDS.map(([name]) => name),
  ..."type enum const pattern title description properties required items allOf additionalProperties".split(" "),
]);
const WITH_PARTS = "properties required items allOf".split(" ");
/** Those that words are for only if their value is a schema, `false`, a text, and so on. */
const IS_IN_WORDS: Record<string, (value: unknown) => boolean> = {
  items: isObject,
  additionalProperties: (value) => typeof value === "boolean" || isObject(value),
  pattern: (value) => typeof value === "string",
};

export interface Hints {
  lines: readonly Hint[];
  /** Whether the schema says more than the lines. */
  isCut: boolean;
}

export function hintsOf(root: unknown): Hints {
  let count = 0;
  let parts = 0;
  let isDeep = false;
  const isFull = () => count >= MOST_HINTS || parts >= MOST_PARTS;

  /** @param part A schema. @param isPart Whether it is only a part of what is said about this value. */
  function linesOf(part: unknown, name: string, isRequired: boolean, depth: number, isPart = false): Hint[] {
    if (isFull()) return [];
    parts++;
    const schema = merged(root, part);
    if (!isObject(schema)) return [];
    const hint = hintOf(schema, name, isRequired, depth);
    const isSaid = (name !== "" && !isPart) || says(hint);
    if (isSaid) count++;
    const own = isSaid ? [hint] : [];
    if (depth < MOST_DEPTH) return [...own, ...membersOf(schema, name, depth)];
    isDeep ||= WITH_PARTS.some((rule) => rule in schema);
    return own;
  }

  function membersOf(schema: Rules, name: string, depth: number): Hint[] {
    const within = name && `${name}.`;
    const required = listOf(schema["required"]);
    const members = isObject(schema["properties"]) ? schema["properties"] : {};
    const others = required.filter((each) => typeof each === "string" && !Object.hasOwn(members, each));
    return [
      ...listOf(schema["allOf"]).flatMap((each) => linesOf(each, name, false, depth + 1, true)),
      ...Object.entries(members).flatMap(([member, rules]) =>
        linesOf(rules, within + member, required.includes(member), depth + 1),
      ),
      ...others.flatMap((member) => linesOf({}, `${within}${member}`, true, depth + 1)),
      ...(isObject(schema["additionalProperties"])
        ? linesOf(schema["additionalProperties"], `${within}*`, false, depth + 1)
        : []),
      ...(isObject(schema["items"]) ? linesOf(schema["items"], `${name}[]`, false, depth + 1) : []),
    ];
  }

  function hintOf(schema: Rules, name: string, isRequired: boolean, depth: number): Hint {
    const hint: Hint = {
      name,
      isRequired,
      types: typesOf(schema),
      choices: ("const" in schema ? [schema["const"]] : listOf(schema["enum"])).map((value) => ({ value, title: "" })),
      least: boundOf(schema, "minimum"),
      most: boundOf(schema, "maximum"),
      bounds: boundsOf(schema).filter(({ kind }) => kind !== "least" && kind !== "most"),
      pattern: textOf(schema["pattern"]),
      isClosed: schema["additionalProperties"] === false,
      description: textOf(schema["description"]) || textOf(schema["title"]),
      alternatives: [],
      rest: restOf(schema, depth),
    };
    for (const rule of ["anyOf", "oneOf"]) {
      if (Array.isArray(schema[rule]) && depth < MOST_DEPTH) sayAlternatives(hint, schema[rule], rule === "oneOf", depth);
    }
    return hint;
  }

  function sayAlternatives(hint: Hint, given: readonly unknown[], isExclusive: boolean, depth: number): void {
    const choices = choicesAmong(root, given);
    const types = given.flatMap((each) => loneTypesOf(merged(root, each)));
    if (choices && hint.choices.length === 0) hint.choices = choices;
    else if (hint.types.length === 0 && types.length >= given.length && !types.includes("")) hint.types = types;
    else {
      const all: Hint[][] = [];
      for (const each of given) {
        if (each === false) continue;
        const lines = linesOf(each, "", false, depth + 1);
        // Where it was not looked at, it is not known that it says nothing.
        if (lines.length > 0 || !isFull()) all.push(lines);
      }
      hint.alternatives = [...hint.alternatives, { isExclusive, all }];
    }
  }

  const lines = linesOf(root, "", false, 0);
  return { lines, isCut: isDeep || isFull() };
}

const typesOf = (schema: Rules): readonly string[] => [schema["type"]].flat().filter((type) => typeof type === "string");

/** The types of a schema that says nothing else; an empty one if it does. */
function loneTypesOf(schema: unknown): readonly string[] {
  if (!isObject(schema)) return [""];
  const isLone = Object.keys(schema).every((rule) => rule === "type" || ANNOTATIONS.includes(rule));
  const types = typesOf(schema);
  return isLone && types.length > 0 ? types : [""];
}

const boundOf = (schema: Rules, rule: string) => (typeof schema[rule] === "number" ? schema[rule] : undefined);

function restOf(schema: Rules, depth: number): Rules {
  const isInWords = (rule: string, value: unknown): boolean => {
    if (rule === "anyOf" || rule === "oneOf") return Array.isArray(value) && depth < MOST_DEPTH;
    return IN_WORDS.has(rule) && (IS_IN_WORDS[rule]?.(value) ?? true);
  };
  return Object.fromEntries(Object.entries(schema).filter(([rule, value]) => !isInWords(rule, value)));
}

const says = (hint: Hint) =>
  [hint.types, hint.choices, hint.bounds, hint.alternatives, Object.keys(hint.rest)].some((each) => each.length > 0) ||
  [hint.description, hint.pattern].some(Boolean) ||
  hint.isClosed ||
  hint.least !== undefined ||
  hint.most !== undefined;
