/** The entries of a user on a platform, also hidden ones and those that are not valid now. */
import { Fragment, type ReactNode, useState } from "react";
import { Button, Input, Label, SearchField, useLocale } from "react-aria-components";
import { useQuery } from "urql";
import { now } from "../../components/clock";
import { Instant } from "../../components/Instant";
import { Empty, Failure, Skeleton } from "../../components/State";
import { TableHead } from "../../components/TableHead";
import { useWords as useCommonWords } from "../../components/words";
import { Value } from "../../components/admin/Value";
import { type EntryFragment, UserEntriesDocument } from "../../generated/graphql";
import { documentOf, type OpenDocument, variablesOf } from "./document";
import { type Draft, draftOf, type Drafts, NEW } from "./drafts";
import { EntryEditor } from "./EntryEditor";
import { type Scale, scaleOf, TimeLine } from "./TimeLine";
import styles from "./User.module.css";
import { useWords } from "./words";

/** What was changed less than so many milliseconds ago is marked when it appears. */
const FRESH = 5000;

interface Props extends OpenDocument {
  drafts: Drafts;
  onDrafts: (drafts: Drafts) => void;
}

export function Metadata({ platformKey, username, drafts, onDrafts }: Props) {
  const words = useWords();
  const { locale } = useLocale();
  const [prefix, setPrefix] = useState("");
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const [{ data, error }, read] = useQuery({
    query: UserEntriesDocument,
    variables: {
      ...variablesOf({ platformKey, username }),
      prefix: prefix || null,
      after: cursors.at(-1) ?? null,
    },
  });
  const put = (key: string, draft: Draft | null) => {
    const changed = new Map(drafts);
    if (draft) changed.set(key, draft);
    else changed.delete(key);
    onDrafts(changed);
  };
  const added = drafts.get("");
  const page = documentOf(data)?.entries;
  if (!page) {
    return error ? <Failure error={error} onRetry={() => read({ requestPolicy: "network-only" })} /> : <Skeleton />;
  }
  return (
    <div className="stack">
      <div className="row spread">
        <SearchField
          value={prefix}
          onChange={(text) => {
            setPrefix(text);
            setCursors([]);
          }}
        >
          <Label className="hidden-visually">{words.searchKeys}</Label>
          <Input placeholder={words.searchKeys} />
        </SearchField>
        <span role="status" className="quiet">
          {words.entries(page.totalCount, locale)}
        </span>
        <Button className="react-aria-Button primary" onPress={() => put("", added ?? NEW)}>
          {words.add}
        </Button>
      </div>
      {added && (
        <EntryEditor
          platformKey={platformKey}
          username={username}
          draft={added}
          onChange={(draft) => put("", draft)}
        />
      )}
      {page.nodes.length === 0 ? (
        <Empty>
          <p>{prefix ? words.noEntriesFound : platformKey === null ? words.noUserWideEntries : words.noEntries}</p>
        </Empty>
      ) : (
        <EntryTable entries={page.nodes} drafts={drafts} onEdit={(entry) => put(entry.metadataKey, draftOf(entry))}>
          {(draft) => (
            <EntryEditor
              platformKey={platformKey}
              username={username}
              draft={draft}
              onChange={(changed) => put(draft.key, changed)}
            />
          )}
        </EntryTable>
      )}
      <MorePages
        hasPrevious={cursors.length > 0}
        next={page.pageInfo.hasNextPage ? (page.pageInfo.endCursor ?? null) : null}
        onPrevious={() => setCursors(cursors.slice(0, -1))}
        onNext={(cursor) => setCursors([...cursors, cursor])}
      />
    </div>
  );
}

interface TableProps {
  entries: readonly EntryFragment[];
  drafts: Drafts;
  onEdit: (entry: EntryFragment) => void;
  /** The editor, which stands in the place of the row. */
  children: (draft: Draft) => ReactNode;
}

function EntryTable({ entries, drafts, onEdit, children }: TableProps) {
  const words = useWords();
  const scale = scaleOf(entries);
  return (
    <div className="scroll-x">
      <table className="table stacked">
        <TableHead titles={[words.key, words.value, words.type, words.valid, words.changed]}>
          <th scope="col" className={styles.edit}>
            <span className="hidden-visually">{words.edit}</span>
          </th>
        </TableHead>
        <tbody>
          {entries.map((entry) => {
            const draft = drafts.get(entry.metadataKey);
            return (
              <Fragment key={entry.id}>
                <EntryRow key={entry.updatedAt} entry={entry} scale={scale} onEdit={() => onEdit(entry)} />
                {draft && (
                  <tr>
                    <td colSpan={6}>{children(draft)}</td>
                  </tr>
                )}
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function EntryRow({ entry, scale, onEdit }: { entry: EntryFragment; scale: Scale; onEdit: () => void }) {
  const words = useWords();
  const isFresh = now() - Date.parse(entry.updatedAt) < FRESH;
  const marks = [
    !entry.isPublic && words.hidden,
    !entry.isEditable && words.readOnly,
    entry.isEncrypted && words.encrypted,
    entry.isIndexed && words.indexed,
  ].filter(Boolean);
  return (
    <tr className={isFresh ? styles.fresh : undefined}>
      <th scope="row">
        <div className={styles.key}>
          <code className="value">{entry.metadataKey}</code>
          {entry.description && <span className="value">{entry.description}</span>}
          <span>{marks.join(" · ")}</span>
        </div>
      </th>
      <td className={styles.value} data-label={words.value}>
        {entry.digest === null ? (
          <span className="danger">{words.unreadable}</span>
        ) : (
          <Value name={entry.metadataKey} value={entry.value} />
        )}
      </td>
      <td className="small" data-label={words.type}>
        {entry.valueType}
      </td>
      <td data-label={words.valid}>
        <TimeLine entry={entry} scale={scale} />
      </td>
      <td className={`small ${styles.changed}`} data-label={words.changed}>
        <Instant at={entry.updatedAt} />
        <div className="value">{entry.updatedBy?.username}</div>
      </td>
      <td className={styles.edit}>
        <Button aria-label={words.editKey(entry.metadataKey)} onPress={onEdit}>
          {words.edit}
        </Button>
      </td>
    </tr>
  );
}

interface PagesProps {
  hasPrevious: boolean;
  next: string | null;
  onPrevious: () => void;
  onNext: (cursor: string) => void;
}

function MorePages({ hasPrevious, next, onPrevious, onNext }: PagesProps) {
  const common = useCommonWords();
  if (!hasPrevious && !next) return null;
  return (
    <div className="row">
      <Button isDisabled={!hasPrevious} onPress={onPrevious}>
        {common.previous}
      </Button>
      <Button isDisabled={!next} onPress={() => next && onNext(next)}>
        {common.next}
      </Button>
    </div>
  );
}
