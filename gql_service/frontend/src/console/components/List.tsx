/** A list page by page: its title, what it is, the button that adds to it, and a table. */
import type { ReactNode } from "react";
import { Button } from "react-aria-components";
import type { CombinedError } from "urql";
import { type Paging, PagingButtons } from "./Paging";
import { Empty, Failure, Skeleton } from "./State";
import { TableHead } from "./TableHead";
import { useWords } from "./words";

export interface Column<Item> {
  title: string;
  cell: (item: Item) => ReactNode;
}

interface ListProps<Item> {
  title: string;
  intro: string;
  /** What is said if there is nothing. */
  empty: string;
  /** The words on the button; without them, the viewer cannot add anything. */
  create: string | undefined;
  onCreate: () => void;
  /** What was added last: it may be on another page. */
  created: string | undefined;
  page: { nodes: readonly Item[]; pageInfo: { hasNextPage: boolean; endCursor?: string | null } } | null | undefined;
  error: CombinedError | undefined;
  onRetry: () => void;
  paging: Paging;
  keyOf: (item: Item) => string;
  /** The first column says which one it is, the last has its buttons. On narrow screens, each row is a block. */
  columns: readonly Column<Item>[];
}

export function List<Item>(props: ListProps<Item>) {
  const { title, intro, create, onCreate, page, error, paging } = props;
  const words = useWords();
  return (
    <>
      <div className="row spread">
        <h1>{title}</h1>
        {create && (
          <Button className="react-aria-Button primary" onPress={onCreate}>
            {create}
          </Button>
        )}
      </div>
      <div>
        <p className="quiet">{intro}</p>
        <p role="status">{props.created && words.created(props.created)}</p>
      </div>
      {error && !page ? (
        <Failure error={error} onRetry={props.onRetry} />
      ) : !page ? (
        <Skeleton />
      ) : page.nodes.length === 0 && paging.isFirst ? (
        <Empty>{props.empty}</Empty>
      ) : (
        <>
          <Table items={page.nodes} keyOf={props.keyOf} columns={props.columns} />
          <PagingButtons paging={paging} pageInfo={page.pageInfo} />
        </>
      )}
    </>
  );
}

interface TableProps<Item> {
  items: readonly Item[];
  keyOf: (item: Item) => string;
  columns: readonly Column<Item>[];
}

function Table<Item>({ items, keyOf, columns }: TableProps<Item>) {
  const isEdge = (index: number) => index === 0 || index === columns.length - 1;
  return (
    <table className="table stacked">
      <TableHead titles={columns.map(({ title }) => title)} />
      <tbody>
        {items.map((item) => (
          <tr key={keyOf(item)}>
            {columns.map(({ title, cell }, index) => (
              <td key={title} data-label={isEdge(index) ? undefined : title}>
                {cell(item)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface ActionProps {
  children: string;
  /** The whole sentence, for those who do not see the row. */
  label: string;
  isDestructive?: boolean;
  onPress: () => void;
}

/** A button of one row. */
export function RowAction({ children, label, isDestructive = false, onPress }: ActionProps) {
  return (
    <Button
      className={`react-aria-Button${isDestructive ? " plain destructive" : ""}`}
      aria-label={label}
      onPress={onPress}
    >
      {children}
    </Button>
  );
}
