/** What the service has told the viewer. New notifications appear by themselves. */
import { useState } from "react";
import { Button } from "react-aria-components";
import { useMutation, useQuery } from "urql";
import { Instant } from "../../components/Instant";
import { Empty, Failure, Skeleton, useMessageOf } from "../../components/State";
import { useWords as useCommonWords } from "../../components/words";
import { MarkReadDocument, NotificationsDocument, type NotificationsQuery } from "../../generated/graphql";
import { useNotificationReceived } from "../../notifications";
import { useViewer } from "../../session";
import styles from "./Notifications.module.css";
import { useWords } from "./words";

type Notification = NonNullable<NotificationsQuery["me"]["notifications"]>["nodes"][number];

/** The count of the bell is a field of the user, who is not in the mutation's result. */
const CONTEXT = { additionalTypenames: ["User", "Notification"] };

export default function Notifications() {
  const words = useWords();
  const messageOf = useMessageOf();
  const unread = useViewer().unreadNotificationCount ?? 0;
  // The cursors of the pages up to this one. The first page has none.
  const [cursors, setCursors] = useState<readonly (string | null)[]>([null]);
  const [{ data, error }, read] = useQuery({ query: NotificationsDocument, variables: { after: cursors.at(-1) } });
  const [{ data: marked, error: markError, fetching }, mark] = useMutation(MarkReadDocument);
  useNotificationReceived(() => read({ requestPolicy: "network-only" }));

  const page = data?.me.notifications;
  const problem = marked?.markNotificationsRead.userErrors[0]?.message ?? (markError && messageOf(markError));
  return (
    <article className="stack">
      <div className="row spread">
        <h1>{words.title}</h1>
        <Button isDisabled={unread === 0 || fetching} onPress={() => void mark({}, CONTEXT)}>
          {words.markAll}
        </Button>
      </div>
      <p role="alert" className="danger">
        {problem}
      </p>
      {error && !page ? (
        <Failure error={error} onRetry={() => read({ requestPolicy: "network-only" })} />
      ) : !page ? (
        <Skeleton />
      ) : page.nodes.length === 0 && cursors.length === 1 ? (
        <Empty>{words.empty}</Empty>
      ) : (
        <>
          <ul>
            {page.nodes.map((notification) => (
              <Item
                key={notification.id}
                notification={notification}
                isBusy={fetching}
                onRead={() => void mark({ ids: [notification.id] }, CONTEXT)}
              />
            ))}
          </ul>
          <Paging
            isFirst={cursors.length === 1}
            isLast={!page.pageInfo.hasNextPage}
            onNewer={() => setCursors(cursors.slice(0, -1))}
            onOlder={() => setCursors([...cursors, page.pageInfo.endCursor ?? null])}
          />
        </>
      )}
    </article>
  );
}

function Item({ notification, isBusy, onRead }: { notification: Notification; isBusy: boolean; onRead: () => void }) {
  const words = useWords();
  const { title, body, createdAt, readAt } = notification;
  return (
    <li className={styles.item} data-unread={readAt ? undefined : true}>
      <div className={styles.text}>
        <h2 className="value">
          {!readAt && <span className={styles.mark}>{words.unread}</span>} <bdi>{title}</bdi>
        </h2>
        <p className="value">{body}</p>
        <p className="quiet small">
          <Instant at={createdAt} />
        </p>
      </div>
      {!readAt && (
        <Button className="react-aria-Button plain" isDisabled={isBusy} onPress={onRead} aria-label={words.markOne(title)}>
          {words.mark}
        </Button>
      )}
    </li>
  );
}

interface PagingProps {
  isFirst: boolean;
  isLast: boolean;
  onNewer: () => void;
  onOlder: () => void;
}

function Paging({ isFirst, isLast, onNewer, onOlder }: PagingProps) {
  const words = useCommonWords();
  if (isFirst && isLast) return null;
  return (
    <div className="row">
      <Button isDisabled={isFirst} onPress={onNewer}>
        {words.previous}
      </Button>
      <Button isDisabled={isLast} onPress={onOlder}>
        {words.next}
      </Button>
    </div>
  );
}
