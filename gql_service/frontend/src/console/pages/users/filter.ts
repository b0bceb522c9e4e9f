/** What is looked for, as it stands in the address: so going back from a user finds the same page again. */
import type { MetadataCondition } from "../../generated/graphql";

export const OPERATORS = [
  "equals",
  "prefix",
  "contains",
  "greaterThanOrEqual",
  "lessThanOrEqual",
  "exists",
  "missing",
] as const;
export type Operator = (typeof OPERATORS)[number];

export interface Filter {
  key: string;
  operator: Operator;
  value: string;
}

export const EMPTY_FILTER: Filter = { key: "", operator: "equals", value: "" };

export const needsValue = (operator: Operator) => operator !== "exists" && operator !== "missing";

const isOperator = (text: string | null): text is Operator => OPERATORS.some((each) => each === text);

export function filterOf(address: URLSearchParams): Filter | null {
  const key = address.get("key");
  const operator = address.get("op");
  return key && isOperator(operator) ? { key, operator, value: address.get("value") ?? "" } : null;
}

export function conditionOf({ key, operator, value }: Filter): MetadataCondition {
  if (operator === "exists") return { key, exists: true };
  if (operator === "missing") return { key, exists: false };
  return { key, [operator]: operator === "prefix" ? value : literal(value) };
}

/** JSON where it is JSON (42, true, "42"), else the text itself. */
export function literal(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
