/** All platforms, for platform owners. Admins see those of their tenants. */
import { useState } from "react";
import { Button } from "react-aria-components";
import { useQuery } from "urql";
import { PagingButtons, usePaging } from "../../components/Paging";
import { Empty, Failure, Skeleton } from "../../components/State";
import { AllPlatformsDocument } from "../../generated/graphql";
import { useViewer } from "../../session";
import { CreatePlatform } from "./CreatePlatform";
import { DeletePlatform } from "./DeletePlatform";
import { EditPlatform } from "./EditPlatform";
import type { Platform } from "./platform";
import { useWords } from "./words";

type Open = { kind: "create" } | { kind: "edit" | "delete"; platform: Platform };

export default function Platforms() {
  const words = useWords();
  const { isPlatformOwner } = useViewer();
  const paging = usePaging();
  const [open, setOpen] = useState<Open | null>(null);
  const [{ data, error }, read] = useQuery({ query: AllPlatformsDocument, variables: { after: paging.after } });
  const close = () => setOpen(null);
  const page = data?.platforms;
  return (
    <article className="stack">
      <div className="row spread">
        <h1>{words.title}</h1>
        {isPlatformOwner && (
          <Button className="react-aria-Button primary" onPress={() => setOpen({ kind: "create" })}>
            {words.create}
          </Button>
        )}
      </div>
      <p className="quiet">{words.intro}</p>
      {error && !page ? (
        <Failure error={error} onRetry={() => read({ requestPolicy: "network-only" })} />
      ) : !page ? (
        <Skeleton />
      ) : page.nodes.length === 0 && paging.isFirst ? (
        <Empty>{words.empty}</Empty>
      ) : (
        <>
          <Table platforms={page.nodes} onOpen={setOpen} />
          <PagingButtons paging={paging} pageInfo={page.pageInfo} />
        </>
      )}
      {open?.kind === "create" && <CreatePlatform onClose={close} />}
      {open?.kind === "edit" && <EditPlatform platform={open.platform} onClose={close} />}
      {open?.kind === "delete" && <DeletePlatform platform={open.platform} onClose={close} />}
    </article>
  );
}

function Table({ platforms, onOpen }: { platforms: readonly Platform[]; onOpen: (open: Open) => void }) {
  const words = useWords();
  const { isPlatformOwner } = useViewer();
  return (
    <table className="table stacked">
      <thead>
        <tr>
          <th>{words.name}</th>
          <th>{words.tenant}</th>
          <th>{words.mode}</th>
          <th>{words.kept}</th>
          <th>{words.actions}</th>
        </tr>
      </thead>
      <tbody>
        {platforms.map((platform) => (
          <tr key={platform.key}>
            <td>
              <span className="value">{platform.name}</span>
              <br />
              <code className="quiet">{platform.key}</code>
            </td>
            <td data-label={words.tenant}>
              <code>{platform.tenantId}</code>
            </td>
            <td data-label={words.mode}>{words.modes[platform.mode]}</td>
            <td data-label={words.kept}>
              <Kept {...platform.retention} />
            </td>
            <td>
              <span className="row">
                {platform.viewerIsAdmin && (
                  <Button aria-label={words.editOf(platform.name)} onPress={() => onOpen({ kind: "edit", platform })}>
                    {words.edit}
                  </Button>
                )}
                {isPlatformOwner && (
                  <Button
                    className="react-aria-Button plain destructive"
                    aria-label={words.deleteOf(platform.name)}
                    onPress={() => onOpen({ kind: "delete", platform })}
                  >
                    {words.delete}
                  </Button>
                )}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Kept({ historyMaxAge, historyMaxChanges }: Platform["retention"]) {
  const words = useWords();
  return (
    <>
      {words.days(historyMaxAge ?? null)}
      {historyMaxChanges != null && `, ${words.changes(historyMaxChanges)}`}
    </>
  );
}
