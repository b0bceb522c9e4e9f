/** What is to be done, and with whom: as it is typed, and as it is sent. */
import { differencesOf, type Difference } from "../../components/admin/differences";
import { type Condition, EMPTY_CONDITION } from "../users/filter";

export interface Plan {
  by: "list" | "filter";
  /** One username a line. */
  usernames: string;
  where: readonly Condition[];
  /** A JSON object. */
  set: string;
  /** One key a line. */
  remove: string;
}

export const EMPTY_PLAN: Plan = { by: "list", usernames: "", where: [EMPTY_CONDITION], set: "{}", remove: "" };

export interface Patch {
  metadata: Record<string, unknown>;
  deleteKeys: string[];
}

export const linesOf = (text: string): string[] => [
  ...new Set(
    text
      .split(/[\n,]/)
      .map((line) => line.trim())
      .filter(Boolean),
  ),
];

/** Null if what is to be set is not a JSON object. */
export function patchOf(plan: Plan): Patch | null {
  try {
    const metadata: unknown = JSON.parse(plan.set.trim() || "{}");
    return isObject(metadata) ? { metadata, deleteKeys: linesOf(plan.remove) } : null;
  } catch {
    return null;
  }
}

export const isEmptyPatch = (patch: Patch) => Object.keys(patch.metadata).length + patch.deleteKeys.length === 0;

export const keysOf = (patch: Patch): string[] => [...new Set([...Object.keys(patch.metadata), ...patch.deleteKeys])];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** One user of a bulk change. */
export interface Row {
  username: string;
  /** Of the document that was looked at. It is written only if it is still the same. */
  revision: number;
  differences: readonly Difference[];
  problem: string | null;
  isWritten: boolean;
}

export const rowOf = (username: string, revision: number, before: object, after: object | undefined): Row => ({
  username,
  revision,
  differences: after ? differencesOf({ ...before }, { ...after }) : [],
  problem: null,
  isWritten: false,
});

/** Whether the row is still to be written. What would change nothing is left alone. */
export const isWaiting = (row: Row) => !row.isWritten && row.problem === null && row.differences.length > 0;
