/** Values as text that people read and type: strings without quotes, everything else as JSON. */
import type { ValueType } from "../../generated/graphql";

/** A value for reading. */
export const show = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

const isText = (type: ValueType) => type === "string" || type === "date" || type === "binary";

/** A value for typing. Nothing becomes an empty field. */
export function toText(type: ValueType, value: unknown): string {
  if (value === null || value === undefined) return "";
  return isText(type) && typeof value === "string" ? value : JSON.stringify(value);
}

/** The value that was typed. Undefined for an empty field. Text that is not JSON is sent as it is: the server says why
 * it does not fit. */
export function fromText(type: ValueType, text: string): unknown {
  if (text.trim() === "") return undefined;
  if (isText(type)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
