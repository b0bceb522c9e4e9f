// Uses the generated types. Where `@ts-expect-error` stands, a wrong type must be an error.
import type { DocumentQuery, DocumentQueryVariables, WriteMutation, WriteMutationVariables } from "./operations.js";
import type { PlatformMetadata, Scalars } from "./schema.js";

export const variables: DocumentQueryVariables = { key: "p", asOf: "2024-01-15T10:30:00Z" };
// @ts-expect-error: a DateTime is text
export const wrongVariables: DocumentQueryVariables = { key: "p", asOf: 1705314600000 };

export const write: WriteMutationVariables = {
  input: {
    metadata: { theme: { dark: [true, null] } },
    operations: [{ increment: { path: "/visits", by: 1.5 } }, { set: { path: "/list/0", value: ["any", null] } }],
  },
};
// @ts-expect-error: a JSONObject is no text
export const wrongMetadata: WriteMutationVariables = { input: { metadata: "theme" } };
// @ts-expect-error: a Number is no text
export const wrongNumber: WriteMutationVariables = { input: { operations: [{ increment: { path: "/a", by: "1" } }] } };
export const wrongOperation: WriteMutationVariables = {
  // @ts-expect-error: an operation is one of its kinds
  input: { operations: [{ increment: { path: "/a", by: 1 }, delete: { path: "/a" } }] },
};

export function describe({ platformMetadata, session }: DocumentQuery): string {
  if (platformMetadata === null) return "none";
  const theme: unknown = platformMetadata.metadata["theme"];
  // @ts-expect-error: the value of an entry is not known
  platformMetadata.entries.nodes[0]?.value.length;
  const created: string | null = platformMetadata.createdAt;
  return [theme, created, new Date(session.createdAt + 1).toISOString()].join();
}

export function conflicts({ patchPlatformMetadata }: WriteMutation): number[] {
  return patchPlatformMetadata.userErrors.flatMap((error) =>
    error.__typename === "RevisionConflict" ? [error.currentRevision] : [],
  );
}

export const timestamp: Scalars["Timestamp"]["output"] = 1705314600000;
export const revision: PlatformMetadata["revision"] = 1;
