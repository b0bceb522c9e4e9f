/** The names of the users of events. Events have only ids. */
import { useEffect, useState } from "react";
import { useClient } from "urql";
import { type EventPartsFragment, EventUsersDocument } from "../../generated/graphql";

/** How many names the server gives at a time. */
const MOST = 100;

export type Names = ReadonlyMap<string, string>;

/** Users who cannot be found have their ids as names, so that they are not looked for again. */
export function useNames(edges: readonly EventPartsFragment[]): Names {
  const client = useClient();
  const [names, setNames] = useState<Names>(new Map());
  const ids = edges.flatMap(({ node }) => [node.userId, node.actorId]).filter((id) => typeof id === "string");
  const missing = [...new Set(ids)].filter((id) => !names.has(id)).slice(0, MOST).sort().join(" ");
  useEffect(() => {
    if (!missing) return;
    let isStale = false;
    const wanted = missing.split(" ");
    const variables = { ids: wanted.map((id) => btoa(`User:${id}`)) };
    void client
      .query(EventUsersDocument, variables, { requestPolicy: "cache-first" })
      .toPromise()
      .then(({ data }) => {
        if (isStale) return;
        const found = data?.nodes?.flatMap((user) =>
          user?.userId ? [[user.userId, nameOf(user.displayName, user.username)] as const] : [],
        );
        setNames((known) => new Map([...known, ...wanted.map((id) => [id, id] as const), ...(found ?? [])]));
      });
    return () => void (isStale = true);
  }, [client, missing]);
  return names;
}

const nameOf = (displayName: string, username: string) =>
  displayName === username ? username : `${displayName} (${username})`;
