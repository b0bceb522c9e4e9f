/** The values that a JSON Schema allows, where it names them all. */
import { ANNOTATIONS, isObject, listOf, merged } from "./schema";

export interface Choice {
  value: unknown;
  /** Empty if the schema gives it none. */
  title: string;
}

const MOST_DEPTH = 5;
/** So many parts of a schema are looked at: a short one may name itself again and again. */
const MOST_PARTS = 1000;
const SAID: ReadonlySet<string> = new Set([...ANNOTATIONS, "title", "description", "type", "enum", "const"]);

/** Undefined if other values may be allowed as well, or if there are other rules. */
export const choicesOf = (schema: unknown) => new Search(schema).constantsOf(schema, MOST_DEPTH);

/** Those of the alternatives of a schema, whatever else it says. */
export const choicesAmong = (root: unknown, alternatives: unknown) =>
  new Search(root).among(alternatives, MOST_DEPTH);

class Search {
  private parts = 0;

  constructor(private readonly root: unknown) {}

  constantsOf(part: unknown, depth: number): readonly Choice[] | undefined {
    if (depth <= 0 || ++this.parts > MOST_PARTS) return undefined;
    const schema = merged(this.root, part);
    if (!isObject(schema)) return undefined;
    const [rule, ...others] = Object.keys(schema).filter((each) => !SAID.has(each));
    if (rule === undefined) return constantsIn(schema);
    const isAlone = others.length === 0 && !("const" in schema) && !("enum" in schema);
    return isAlone && (rule === "anyOf" || rule === "oneOf") ? this.among(schema[rule], depth - 1) : undefined;
  }

  among(alternatives: unknown, depth: number): readonly Choice[] | undefined {
    const all: Choice[] = [];
    for (const each of listOf(alternatives)) {
      const found = this.constantsOf(each, depth);
      if (!found) return undefined;
      all.push(...found);
    }
    return all.length > 0 ? all : undefined;
  }
}

function constantsIn(schema: Record<string, unknown>): readonly Choice[] | undefined {
  const title = textOf(schema["title"]) || textOf(schema["description"]);
  if ("const" in schema) return [{ value: schema["const"], title }];
  if (Array.isArray(schema["enum"])) return schema["enum"].map((value: unknown) => ({ value, title: "" }));
  return schema["type"] === "null" ? [{ value: null, title }] : undefined;
}

export const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
