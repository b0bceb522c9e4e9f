/** What happens on a platform: live, and what is kept from before. */
import { useState } from "react";
import { Button } from "react-aria-components";
import { useParams } from "react-router";
import { useDateFormat, useNumberFormat } from "../../components/format";
import { Empty, Failure, Skeleton } from "../../components/State";
import type { EventPartsFragment } from "../../generated/graphql";
import styles from "./Activity.module.css";
import { EventList } from "./EventList";
import { EVERYTHING, type Filter, Filters, matches } from "./Filters";
import { useLive } from "./live";
import { useNames } from "./names";
import { type Pages, usePages } from "./pages";
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
  const [filter, setFilter] = useState<Filter>(EVERYTHING);
  const pages = usePages(platformKey);
  const start = useStart(pages);
  const live = useLive(platformKey, start);
  // Both may have an event: one that came while the page was read.
  const liveCursors = new Set(live.shown.map((each) => each.cursor));
  const kept = (pages.edges ?? []).filter((each) => !liveCursors.has(each.cursor)).reverse();
  const names = useNames([...live.shown, ...kept]);

  if (pages.error && !pages.edges) return <Failure error={pages.error} onRetry={pages.retry} />;
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
        {(pages.hasNext || pages.hasPrevious) && <Turner pages={pages} />}
        {before.length > 0 && <EventList edges={before} names={names} />}
      </div>
    </>
  );
}

/** Where live events begin: after those that are shown, or from now on if there are too many to show all. */
function useStart({ edges, hasNext, end }: Pages): string | null | undefined {
  const [start, setStart] = useState<string | null>();
  if (start === undefined && edges) setStart(hasNext ? null : end);
  return start;
}

/** Turns the pages of what is kept. */
function Turner({ pages }: { pages: Pages }) {
  const words = useWords();
  const format = useNumberFormat();
  if (pages.wayRead !== undefined)
    return (
      <div className="row">
        <span role="status">{words.reading(format.format(pages.wayRead))}</span>
        <Button onPress={pages.stop}>{words.stop}</Button>
      </div>
    );
  return (
    <div className={styles.turner}>
      <h2>{words.earlier}</h2>
      <div className="row">
        <Extent edges={pages.edges ?? []} />
        {pages.hasNext && <span className="quiet">{words.moreFollow}</span>}
        <Button isDisabled={!pages.hasPrevious} onPress={pages.goBack}>
          {words.previous}
        </Button>
        <Button isDisabled={!pages.hasNext} onPress={pages.goOn}>
          {words.next}
        </Button>
        {pages.hasNext && <Button onPress={pages.goToNewest}>{words.toNewest}</Button>}
      </div>
    </div>
  );
}

function Extent({ edges }: { edges: readonly EventPartsFragment[] }) {
  const words = useWords();
  const format = useDateFormat({ dateStyle: "medium", timeStyle: "short" });
  const [first, last] = [edges[0], edges[edges.length - 1]];
  if (!first || !last) return null;
  const [from, to] = [first, last].map(({ node }) => format.format(new Date(node.occurredAt)));
  return <span className="quiet">{words.page(from ?? "", to ?? "")}</span>;
}
