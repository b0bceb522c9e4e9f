/** What a JSON Schema says about a value and its members, as lines that stand beside the field. */
import { isObject, listOf, resolved } from "./schema";

export interface Hint {
  /** Such as `plan.tier` or `tags[]`; empty for the whole value. */
  name: string;
  types: readonly string[];
  isRequired: boolean;
  choices: readonly unknown[];
  least: number | undefined;
  most: number | undefined;
  description: string;
}

const MOST_HINTS = 60;
const MOST_DEPTH = 4;

export function hintsOf(root: unknown): Hint[] {
  const hints: Hint[] = [];

  function add(given: unknown, name: string, isRequired: boolean, depth: number): void {
    const schema = resolved(root, given);
    if (!isObject(schema) || hints.length >= MOST_HINTS) return;
    const hint = hintOf(schema, name, isRequired);
    if (name || says(hint)) hints.push(hint);
    if (depth >= MOST_DEPTH) return;
    const required = listOf(schema["required"]);
    const members = isObject(schema["properties"]) ? Object.entries(schema["properties"]) : [];
    for (const [member, rules] of members) {
      add(rules, name ? `${name}.${member}` : member, required.includes(member), depth + 1);
    }
    if (isObject(schema["items"])) add(schema["items"], `${name}[]`, false, depth + 1);
  }

  add(root, "", false, 0);
  return hints;
}

function hintOf(schema: Record<string, unknown>, name: string, isRequired: boolean): Hint {
  const number = (rule: string) => (typeof schema[rule] === "number" ? schema[rule] : undefined);
  const description = schema["description"] ?? schema["title"];
  return {
    name,
    isRequired,
    types: [schema["type"]].flat().filter((type) => typeof type === "string"),
    choices: "const" in schema ? [schema["const"]] : listOf(schema["enum"]),
    least: number("minimum"),
    most: number("maximum"),
    description: typeof description === "string" ? description : "",
  };
}

const says = ({ types, choices, description, least, most }: Hint) =>
  types.length > 0 || choices.length > 0 || description !== "" || least !== undefined || most !== undefined;
