import { useEffect, useRef } from "react";
import { useSubscription } from "urql";
import { NotificationReceivedDocument } from "./generated/graphql";
import { useConnection } from "./session";

/** Call back whenever the viewer receives a notification, and when there may be some that were not told. */
export function useNotificationReceived(onReceived: () => void): void {
  const [{ data }] = useSubscription({ query: NotificationReceivedDocument });
  const latest = useRef(onReceived);
  useEffect(() => {
    latest.current = onReceived;
  });
  const { onLive } = useConnection();
  useEffect(() => onLive((isLive) => isLive && latest.current()), [onLive]);
  const cursor = data?.notificationReceived?.cursor;
  useEffect(() => {
    if (cursor !== undefined) latest.current();
  }, [cursor]);
}
