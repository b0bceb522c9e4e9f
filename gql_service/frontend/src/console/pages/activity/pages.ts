/** The events that are kept, in pages from the oldest on: the feed of the server can only be read in this direction. */
import { useEffect, useRef, useState } from "react";
import { type CombinedError, useClient, useQuery } from "urql";
import { EventsDocument, type EventPartsFragment } from "../../generated/graphql";

export interface Pages {
  edges: readonly EventPartsFragment[] | undefined;
  error?: CombinedError;
  hasNext: boolean;
  hasPrevious: boolean;
  end: string | null;
  goOn: () => void;
  goBack: () => void;
  /** Read until there are no later events. */
  goToNewest: () => void;
  /** How many events were read on the way to the newest. Undefined while not on the way. */
  wayRead?: number;
  stop: () => void;
  retry: () => void;
}

export function usePages(platformKey: string): Pages {
  const client = useClient();
  const [starts, setStarts] = useState<readonly (string | null)[]>([null]);
  const [wayRead, setWayRead] = useState<number>();
  const isStopped = useRef(false);
  useEffect(() => () => void (isStopped.current = true), []);
  const after = starts[starts.length - 1] ?? null;
  const [{ data, error }, read] = useQuery({ query: EventsDocument, variables: { platformKey, after } });
  const events = data?.platform?.events;
  const end = events?.pageInfo.endCursor ?? null;

  async function goToNewest(): Promise<void> {
    isStopped.current = false;
    const passed = [...starts];
    let next = end;
    let count = 0;
    while (next !== null && !isStopped.current) {
      passed.push(next);
      setWayRead((count += events?.edges.length ?? 0));
      const variables = { platformKey, after: next };
      const page = await client.query(EventsDocument, variables, { requestPolicy: "network-only" }).toPromise();
      const info = page.data?.platform?.events?.pageInfo;
      next = info?.hasNextPage ? (info.endCursor ?? null) : null;
    }
    setStarts(passed);
    setWayRead(undefined);
  }

  return {
    edges: events?.edges,
    error,
    hasNext: events?.pageInfo.hasNextPage ?? false,
    hasPrevious: starts.length > 1,
    end,
    goOn: () => setStarts([...starts, end]),
    goBack: () => setStarts(starts.slice(0, -1)),
    goToNewest: () => void goToNewest(),
    wayRead,
    stop: () => void (isStopped.current = true),
    retry: () => read({ requestPolicy: "network-only" }),
  };
}
