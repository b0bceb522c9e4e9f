/** Going through a list page by page. Cursors of pages that were seen are remembered, so that one can go back. */
import { useState } from "react";
import { Button } from "react-aria-components";
import { useWords } from "./words";

interface PageInfo {
  hasNextPage: boolean;
  endCursor?: string | null;
}

export interface Paging {
  /** The cursor before the current page; null at the first. */
  after: string | null;
  isFirst: boolean;
  forward: (cursor: string) => void;
  back: () => void;
}

export function usePaging(): Paging {
  const [cursors, setCursors] = useState<string[]>([]);
  return {
    after: cursors.at(-1) ?? null,
    isFirst: cursors.length === 0,
    forward: (cursor) => setCursors([...cursors, cursor]),
    back: () => setCursors(cursors.slice(0, -1)),
  };
}

/** Nothing where there is only one page. */
export function PagingButtons({ paging, pageInfo }: { paging: Paging; pageInfo: PageInfo }) {
  const words = useWords();
  const { hasNextPage, endCursor } = pageInfo;
  if (paging.isFirst && !hasNextPage) return null;
  return (
    <div className="row">
      <Button isDisabled={paging.isFirst} onPress={paging.back}>
        {words.previous}
      </Button>
      <Button isDisabled={!hasNextPage || !endCursor} onPress={() => endCursor && paging.forward(endCursor)}>
        {words.next}
      </Button>
    </div>
  );
}
