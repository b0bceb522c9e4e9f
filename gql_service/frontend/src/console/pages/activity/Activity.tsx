/** What happens on a platform: live, and what is kept from before. */
import { useState } from "react";
import { Button } from "react-aria-components";
import { useParams } from "react-router";
import { useNumberFormat } from "../../components/format";
import { Empty, Failure, Skeleton } from "../../components/State";
import styles from "./Activity.module.css";
import { EventList } from "./EventList";
import { EVERYTHING, type Filter, Filters, matches } from "./Filters";
import { useLive } from "./live";
import { useNames } from "./names";
import { usePages } from "./pages";
import { useWords } from "./words";

export default function Activity() {
  const words = useWords();
  const { platformKey = "" } = useParams();
  return (
    <article className="stack">
      <div>
        <h1>{words.title}</h1>
        <p className="quiet">{words.intro}</p>
      </div>
      <Feed key={platformKey} platformKey={platformKey} />
    </article>
  );
}

function Feed({ platformKey }: { platformKey: string }) {
  const words = useWords();
  const format = useNumberFormat();
  const [filter, setFilter] = useState<Filter>(EVERYTHING);
  const pages = usePages(platformKey);
  // Live events begin after the newest that was kept, or from now on if there was none.
  const live = useLive(platformKey, pages.edges ? pages.newest : undefined);
  // Both may have an event: one that came while the page was read.
  const liveCursors = new Set(live.shown.map((each) => each.cursor));
  const kept = (pages.edges ?? []).filter((each) => !liveCursors.has(each.cursor));
  const names = useNames([...live.shown, ...kept]);

  if (pages.error && !pages.edges) return <Failure error={pages.error} onRetry={() => void pages.read()} />;
  if (!pages.edges) return <Skeleton lines={8} />;
  const shown = live.shown.filter((each) => matches(each.node, filter, names));
  const before = kept.filter((each) => matches(each.node, filter, names));
  const isEmpty = live.shown.length === 0 && kept.length === 0;
  return (
    <>
      <Filters filter={filter} onChange={setFilter} />
      <div role="status" className={styles.waiting}>
        {live.waiting.length > 0 && (
          <Button className="react-aria-Button primary" onPress={live.show}>
            {words.waiting(live.waiting.length)}
          </Button>
        )}
      </div>
      {live.error && (
        <p role="alert" className="danger">
          {words.liveFailed} {live.error.graphQLErrors[0]?.message}
        </p>
      )}
      <div
        className="stack"
        onPointerEnter={() => live.hold(true)}
        onPointerLeave={() => live.hold(false)}
      >
        {shown.length > 0 && <EventList edges={shown} names={names} />}
        {isEmpty ? (
          <Empty>{words.empty}</Empty>
        ) : (
          shown.length + before.length === 0 && <p className="quiet">{words.noMatch}</p>
        )}
        {before.length > 0 && <EventList edges={before} names={names} />}
      </div>
      {pages.error && <p role="alert" className="danger">{pages.error.graphQLErrors[0]?.message ?? pages.error.message}</p>}
      {pages.hasOlder && (
        <div className="row">
          <Button isPending={pages.isReading} onPress={() => void pages.read()}>
            {words.older}
          </Button>
          <span role="status" className="quiet">
            {words.shown(format.format(live.shown.length + kept.length))}
          </span>
        </div>
      )}
    </>
  );
}
