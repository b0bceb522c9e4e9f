/** Which metadata document of a user is open. */

export interface OpenDocument {
  /** Null for the user-wide document. */
  platformKey: string | null;
  username: string;
}

/** The variables of the queries that read either document. */
export const variablesOf = ({ platformKey, username }: OpenDocument) => ({
  platformKey: platformKey ?? "",
  isUserWide: platformKey === null,
  username,
});

interface Read<Document> {
  platformMetadata?: Document | null;
  user?: { userMetadata: Document | null } | null;
}

/** The document that such a query has read. */
export const documentOf = <Document>(data: Read<Document> | undefined): Document | null | undefined =>
  data?.platformMetadata ?? data?.user?.userMetadata;
