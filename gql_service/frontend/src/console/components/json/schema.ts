/** A cheap look at a value through its JSON Schema, while it is typed. The server decides: what is not looked at here
 * (patterns, alternatives, conditions) is no problem. */

/** The kind of a problem, with what its message needs. */
export type What =
  | { kind: "type"; types: readonly string[] }
  | { kind: "choice"; choices: readonly unknown[] }
  | { kind: "missing" | "extra"; name: string }
  | { kind: "least" | "most" | "above" | "below" | "shortest" | "longest" | "fewest" | "atMost"; bound: number }
  | { kind: "never" };

export type Problem = What & {
  /** A JSON Pointer. */
  path: string;
};

const MOST_PROBLEMS = 5;
/** So many parts of a value are looked at. */
const MOST_PARTS = 5000;
const MOST_DEPTH = 50;

type Rules = Record<string, unknown>;

export const isObject = (value: unknown): value is Rules =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const escaped = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");

/** The part of a schema that `$ref` names; the schema itself without one. */
export function resolved(root: unknown, schema: unknown): unknown {
  let found = schema;
  for (let steps = 0; steps < MOST_DEPTH && isObject(found) && typeof found["$ref"] === "string"; steps++) {
    found = partOf(root, found["$ref"]);
  }
  return found;
}

/** A schema with what its `$ref` names; what stands beside the `$ref` comes first. */
export function merged(root: unknown, schema: unknown): unknown {
  const found = resolved(root, schema);
  if (found === schema || !isObject(schema)) return found;
  if (!isObject(found)) return found === undefined ? schema : found;
  const { $ref: _, ...beside } = schema;
  return { ...found, ...beside };
}

/** What says nothing about which values are allowed. */
export const ANNOTATIONS: readonly string[] = [
  ..."$schema $id $anchor $dynamicAnchor $vocabulary $comment $defs definitions".split(" "),
  ..."default examples deprecated readOnly writeOnly".split(" "),
];

function partOf(root: unknown, reference: string): unknown {
  let part = root;
  for (const step of reference.replace(/^#/, "").split("/").slice(1)) {
    const name = decoded(step).replaceAll("~1", "/").replaceAll("~0", "~");
    part = isObject(part) || Array.isArray(part) ? (part as Rules)[name] : undefined;
  }
  return part;
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}

export function problemsOf(root: unknown, value: unknown): Problem[] {
  const problems: Problem[] = [];
  let parts = 0;

  function look(given: unknown, value: unknown, path: string, depth: number): void {
    if (++parts > MOST_PARTS || depth > MOST_DEPTH || problems.length >= MOST_PROBLEMS) return;
    const schema = resolved(root, given);
    if (schema === false) problems.push({ kind: "never", path });
    if (!isObject(schema)) return;
    const what = problemOf(schema, value);
    if (what) problems.push({ ...what, path });
    for (const each of listOf(schema["allOf"])) look(each, value, path, depth + 1);
    if (Array.isArray(value)) {
      const first = listOf(schema["prefixItems"]);
      value.forEach((item, index) => look(first[index] ?? schema["items"], item, `${path}/${index}`, depth + 1));
    } else if (isObject(value)) lookAtMembers(schema, value, path, depth);
  }

  function lookAtMembers(schema: Rules, value: Rules, path: string, depth: number): void {
    const properties = isObject(schema["properties"]) ? schema["properties"] : {};
    const isClosed = schema["additionalProperties"] === false && schema["patternProperties"] === undefined;
    for (const name of listOf(schema["required"])) {
      if (typeof name === "string" && !Object.hasOwn(value, name)) problems.push({ kind: "missing", name, path });
    }
    for (const [name, member] of Object.entries(value)) {
      const at = `${path}/${escaped(name)}`;
      if (Object.hasOwn(properties, name)) look(properties[name], member, at, depth + 1);
      else if (isClosed) problems.push({ kind: "extra", name, path: at });
      else if (isObject(schema["additionalProperties"])) look(schema["additionalProperties"], member, at, depth + 1);
    }
  }

  look(root, value, "", 0);
  return problems.slice(0, MOST_PROBLEMS);
}

/** The bounds of a schema that have words of their own. */
export const boundsOf = (schema: Rules): readonly What[] =>
  BOUNDS.flatMap(([name, kind]) => {
    const bound = schema[name];
    return typeof bound === "number" ? [{ kind, bound }] : [];
  });

/** What is wrong with a value itself, whatever is in it. */
function problemOf(schema: Rules, value: unknown): What | undefined {
  const types = [schema["type"]].flat().filter((type) => typeof type === "string");
  if (types.length > 0 && !types.some((type) => isOfType(type, value))) return { kind: "type", types };
  const choices = "const" in schema ? [schema["const"]] : schema["enum"];
  if (Array.isArray(choices) && !choices.some((choice) => isSame(choice, value))) return { kind: "choice", choices };
  for (const [name, kind, isWithin] of BOUNDS) {
    const bound = schema[name];
    if (typeof bound === "number" && !isWithin(value, bound)) return { kind, bound };
  }
  return undefined;
}

/** Bounds that a value of another type cannot break. */
export const BOUNDS = [
  ["minimum", "least", (value, bound) => typeof value !== "number" || value >= bound],
  ["maximum", "most", (value, bound) => typeof value !== "number" || value <= bound],
  ["exclusiveMinimum", "above", (value, bound) => typeof value !== "number" || value > bound],
  ["exclusiveMaximum", "below", (value, bound) => typeof value !== "number" || value < bound],
  ["minLength", "shortest", (value, bound) => typeof value !== "string" || [...value].length >= bound],
  ["maxLength", "longest", (value, bound) => typeof value !== "string" || [...value].length <= bound],
  ["minItems", "fewest", (value, bound) => !Array.isArray(value) || value.length >= bound],
  ["maxItems", "atMost", (value, bound) => !Array.isArray(value) || value.length <= bound],
] as const satisfies readonly [string, What["kind"], (value: unknown, bound: number) => boolean][];

function isOfType(type: string, value: unknown): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isObject(value);
  return type === "null" ? value === null : typeof value === type;
}

function isSame(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((each, index) => isSame(each, other[index]));
  if (isObject(one) && isObject(other)) {
    const names = Object.keys(one);
    return names.length === Object.keys(other).length && names.every((name) => isSame(one[name], other[name]));
  }
  return one === other;
}

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
