/** The users of a platform's tenant: search, filter, pages. */
import { useEffect, useState } from "react";
import { Input, Label, SearchField, useLocale } from "react-aria-components";
import { useSearchParams } from "react-router";
import { useQuery } from "urql";
import { AdminOnly } from "../../components/admin/AdminOnly";
import { Empty, Failure, Skeleton } from "../../components/State";
import { FilterUsersDocument, SearchUsersDocument } from "../../generated/graphql";
import type { Platform } from "../../layout/platform";
import { useColumns } from "./columns";
import { ColumnChoice } from "./ColumnChoice";
import { conditionsOf, inputOf } from "./filter";
import { FilterForm } from "./FilterForm";
import { Pages } from "./Pages";
import styles from "./Users.module.css";
import { UserTable } from "./UserTable";
import { useWords } from "./words";

const PAGE = 50;
/** How long nothing is typed before the search is sent, in milliseconds. */
const PAUSE = 200;

export default function Users() {
  return <AdminOnly>{(platform) => <Directory key={platform.key} platform={platform} />}</AdminOnly>;
}

function Directory({ platform }: { platform: Platform }) {
  const words = useWords();
  const { locale } = useLocale();
  const { columns, choose } = useColumns();
  const { page, error, fetching, read } = usePage(platform);
  const total = useLast(page?.totalCount);
  return (
    <article className="stack">
      <div className="row spread">
        <h1>{words.title}</h1>
        <span role="status" className="quiet">
          {page && !error && total !== undefined && words.total(total, locale)}
        </span>
      </div>
      <div className="row">
        <Search />
        <ColumnChoice columns={columns} onChoose={choose} />
      </div>
      <FilterForm platformKey={platform.key} />
      {error ? (
        <Failure error={error} onRetry={read} />
      ) : !page ? (
        <Skeleton lines={12} />
      ) : page.nodes.length === 0 ? (
        <Empty>
          <h2>{words.none}</h2>
          <p>{words.noneHint}</p>
        </Empty>
      ) : (
        // While the next page is on its way, this one stays, so that nothing jumps.
        <div className={fetching ? styles.old : undefined}>
          <UserTable platformKey={platform.key} users={page.nodes} columns={columns} />
          <Pages info={page.pageInfo} />
        </div>
      )}
    </article>
  );
}

/** One operation for each page: the search of the directory, or the filter by metadata. */
function usePage(platform: Platform) {
  const [address] = useSearchParams();
  const conditions = conditionsOf(address).map(inputOf);
  const isFiltered = conditions.length > 0;
  const text = address.get("q") ?? "";
  const before = address.get("before");
  const after = address.get("after");
  // Counting 100,000 users takes longer than reading 50, so it is done once: for the page that is opened first.
  const [opened] = useState(after ?? before);
  const withTotal = (after ?? before) === null || (after ?? before) === opened;
  const window = before ? { last: PAGE, before } : { first: PAGE, after };
  const [found, search] = useQuery({
    query: SearchUsersDocument,
    variables: { tenantId: platform.tenantId, where: text ? { text } : null, ...window, withTotal },
    pause: isFiltered,
  });
  const [filtered, select] = useQuery({
    query: FilterUsersDocument,
    variables: {
      key: platform.key,
      where: { usernamePrefix: text || null, metadata: conditions },
      ...window,
      withTotal,
    },
    pause: !isFiltered,
  });
  const { error, fetching } = isFiltered ? filtered : found;
  const page = isFiltered ? filtered.data?.platform?.users : found.data?.users;
  const again = isFiltered ? select : search;
  return { page, error, fetching, read: () => again({ requestPolicy: "network-only" }) };
}

/** The last value that was known. */
function useLast<Value>(value: Value | undefined): Value | undefined {
  const [last, setLast] = useState(value);
  useEffect(() => {
    if (value !== undefined) setLast(value);
  }, [value]);
  return value ?? last;
}

function Search() {
  const words = useWords();
  const [address, setAddress] = useSearchParams();
  const [typed, setTyped] = useState(address.get("q") ?? "");
  useEffect(() => {
    const text = typed.trim();
    if (text === (address.get("q") ?? "")) return;
    const timer = setTimeout(() => {
      const next = new URLSearchParams(address);
      for (const name of ["q", "after", "before"]) next.delete(name);
      if (text) next.set("q", text);
      setAddress(next, { replace: true });
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [typed, address, setAddress]);
  return (
    <SearchField className={`react-aria-SearchField ${styles.search}`} value={typed} onChange={setTyped} maxLength={200}>
      <Label className="hidden-visually">{words.search}</Label>
      <Input placeholder={words.search} />
    </SearchField>
  );
}
