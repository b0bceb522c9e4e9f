/** The events that are kept: the newest first, and older ones when they are asked for. */
import { useCallback, useEffect, useState } from "react";
import { type CombinedError, useClient } from "urql";
import { EventsDocument, type EventPartsFragment } from "../../generated/graphql";

export interface Pages {
  /** Newest first. Undefined while nothing was read. */
  edges: readonly EventPartsFragment[] | undefined;
  error?: CombinedError;
  /** The cursor of the newest event that was kept when the page was opened. Null if there was none. */
  newest: string | null;
  hasOlder: boolean;
  isReading: boolean;
  /** Read the newest events or, after these, the next older ones. */
  read: () => Promise<void>;
}

interface State {
  edges?: readonly EventPartsFragment[];
  error?: CombinedError;
  before: string | null;
  hasOlder: boolean;
}

export function usePages(platformKey: string): Pages {
  const client = useClient();
  const [{ edges, error, before, hasOlder }, setState] = useState<State>({ before: null, hasOlder: false });
  const [isReading, setReading] = useState(false);

  const read = useCallback(async () => {
    setReading(true);
    const variables = { platformKey, before };
    const result = await client.query(EventsDocument, variables, { requestPolicy: "network-only" }).toPromise();
    setReading(false);
    const page = result.data?.platform?.events;
    if (!page) return setState((state) => ({ ...state, error: result.error }));
    setState((state) => ({
      edges: [...(state.edges ?? []), ...page.edges.toReversed()],
      before: page.pageInfo.startCursor ?? before,
      hasOlder: page.pageInfo.hasPreviousPage,
    }));
  }, [client, platformKey, before]);

  // The first page is read by itself, the others when they are asked for.
  const isOpening = edges === undefined && error === undefined;
  useEffect(() => {
    if (isOpening) void read();
  }, [isOpening, read]);

  return { edges, error, newest: edges?.[0]?.cursor ?? null, hasOlder, isReading, read };
}
