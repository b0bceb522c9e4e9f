/** What is looked for, as it stands in the address: so going back from a user finds the same page again. */
import type { MetadataCondition } from "../../generated/graphql";

export const OPERATORS = [
  "equals",
  "equalsIgnoreCase",
  "prefix",
  "contains",
  "greaterThan",
  "greaterThanOrEqual",
  "lessThan",
  "lessThanOrEqual",
  "exists",
  "missing",
] as const;
type Operator = (typeof OPERATORS)[number];

/** The server takes so many conditions at once. */
export const MOST = 5;
const TEXTS: readonly Operator[] = ["prefix", "equalsIgnoreCase"];
const PLACE = "where";

export interface Condition {
  key: string;
  /** A JSON Pointer to a part of the value; empty for all of it. */
  path: string;
  operator: Operator;
  value: string;
}

export const EMPTY_CONDITION: Condition = { key: "", path: "", operator: "equals", value: "" };

export const needsValue = (operator: Operator) => operator !== "exists" && operator !== "missing";

const isOperator = (text: unknown): text is Operator => OPERATORS.some((each) => each === text);

/** The conditions of an address. What is none is left out: anybody can write an address. */
export function conditionsOf(address: URLSearchParams): Condition[] {
  return address.getAll(PLACE).flatMap((text) => {
    const [key, operator, value, path] = textsOf(text);
    return key && isOperator(operator) ? [{ key, operator, value: value ?? "", path: path ?? "" }] : [];
  });
}

/** The address of the first page with these conditions. */
export function withConditions(address: URLSearchParams, conditions: readonly Condition[]): URLSearchParams {
  const next = new URLSearchParams(address);
  for (const name of [PLACE, "after", "before"]) next.delete(name);
  for (const { key, operator, value, path } of conditions) {
    next.append(PLACE, JSON.stringify([key, operator, needsValue(operator) ? value : "", path]));
  }
  return next;
}

export function inputOf({ key, path, operator, value }: Condition): MetadataCondition {
  const part = path ? { key, path } : { key };
  if (operator === "exists") return { ...part, exists: true };
  if (operator === "missing") return { ...part, exists: false };
  return { ...part, [operator]: TEXTS.includes(operator) ? value : literal(value) };
}

function textsOf(text: string): (string | undefined)[] {
  const list = literal(text);
  return Array.isArray(list) ? list.map((each) => (typeof each === "string" ? each : undefined)) : [];
}

/** JSON where it is JSON (42, true, "42"), else the text itself. */
function literal(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
