/** The names of the users of events. Events have only ids. */
import { useQuery } from "urql";
import { type EventPartsFragment, EventUsersDocument } from "../../generated/graphql";

/** How many names the server gives at a time. */
const MOST = 100;

export type Names = ReadonlyMap<string, string>;

export function useNames(edges: readonly EventPartsFragment[]): Names {
  const found = edges.flatMap(({ node }) => [node.userId, node.actorId]).filter((id) => typeof id === "string");
  const ids = [...new Set(found)].slice(0, MOST).sort();
  const [{ data }] = useQuery({
    query: EventUsersDocument,
    variables: { ids: ids.map((id) => btoa(`User:${id}`)) },
    pause: ids.length === 0,
    requestPolicy: "cache-first",
  });
  return new Map(
    data?.nodes?.flatMap((user) =>
      user?.userId ? [[user.userId, nameOf(user.displayName, user.username)] as const] : [],
    ),
  );
}

const nameOf = (displayName: string, username: string) =>
  displayName === username ? username : `${displayName} (${username})`;
