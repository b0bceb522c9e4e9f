/** Who administers a tenant, and who owns the service. */
import { type CombinedError, useQuery } from "urql";
import { type Paging, PagingButtons, usePaging } from "../../components/Paging";
import { Failure, Skeleton } from "../../components/State";
import { TableHead } from "../../components/TableHead";
import { Window } from "../../components/Window";
import { type AdministratorFragment, PlatformOwnersDocument, TenantAdminsDocument } from "../../generated/graphql";
import type { Tenant } from "./tenant";
import { useWords } from "./words";

export function TenantAdmins({ tenant, onClose }: { tenant: Tenant; onClose: () => void }) {
  const words = useWords();
  const paging = usePaging();
  const variables = { tenantId: tenant.tenantId, after: paging.after };
  const [{ data, error }, read] = useQuery({ query: TenantAdminsDocument, variables });
  return (
    <Window title={words.adminsOf(tenant.name)} isOpen onClose={onClose} isWide>
      <p className="quiet">{words.adminsHint}</p>
      <People
        people={data?.users}
        error={error}
        paging={paging}
        empty={words.noAdmins}
        onRetry={() => read({ requestPolicy: "network-only" })}
      />
    </Window>
  );
}

export function PlatformOwners() {
  const words = useWords();
  const paging = usePaging();
  const [{ data, error }, read] = useQuery({ query: PlatformOwnersDocument, variables: { after: paging.after } });
  return (
    <section className="stack">
      <div>
        <h2 id="platform-owners">{words.owners}</h2>
        <p className="quiet">{words.ownersHint}</p>
      </div>
      <People
        labelledBy="platform-owners"
        people={data?.platformOwners}
        error={error}
        paging={paging}
        empty={words.noOwners}
        onRetry={() => read({ requestPolicy: "network-only" })}
      />
    </section>
  );
}

interface PeopleProps {
  labelledBy?: string;
  /** A page of them. Undefined while it is on its way. */
  people:
    | { nodes: readonly AdministratorFragment[]; pageInfo: { hasNextPage: boolean; endCursor?: string | null } }
    | null
    | undefined;
  error: CombinedError | undefined;
  paging: Paging;
  /** Where there is nobody. */
  empty: string;
  onRetry: () => void;
}

function People({ labelledBy, people, error, paging, empty, onRetry }: PeopleProps) {
  const words = useWords();
  if (!people) return error ? <Failure error={error} onRetry={onRetry} /> : <Skeleton />;
  if (people.nodes.length === 0 && paging.isFirst) return <p>{empty}</p>;
  return (
    <>
      <table className="table stacked" aria-labelledby={labelledBy}>
        <TableHead titles={[words.name, words.username, words.email, words.home]} />
        <tbody>
          {people.nodes.map((user) => (
            <tr key={user.id}>
              <td className="value">{user.displayName}</td>
              <td data-label={words.username}>
                <code className="value">{user.username}</code>
              </td>
              <td data-label={words.email} className="value">
                {user.email}
              </td>
              <td data-label={words.home}>
                <code>{user.tenantId}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <PagingButtons paging={paging} pageInfo={people.pageInfo} />
    </>
  );
}
