/** All platforms, for platform owners. Admins see those of their tenants. */
import { useState } from "react";
import { useQuery } from "urql";
import { type Column, List, RowAction } from "../../components/List";
import { usePaging } from "../../components/Paging";
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
  const isPlatformOwner = useViewer().isPlatformOwner ?? false;
  const paging = usePaging();
  const [open, setOpen] = useState<Open | null>(null);
  const [created, setCreated] = useState<string>();
  const [{ data, error }, read] = useQuery({ query: AllPlatformsDocument, variables: { after: paging.after } });
  const close = () => setOpen(null);
  return (
    <article className="stack">
      <List
        title={words.title}
        intro={words.intro}
        empty={words.empty}
        create={isPlatformOwner ? words.create : undefined}
        onCreate={() => setOpen({ kind: "create" })}
        created={created}
        page={data?.platforms}
        error={error}
        onRetry={() => read({ requestPolicy: "network-only" })}
        paging={paging}
        keyOf={(platform) => platform.key}
        columns={columnsOf(words, isPlatformOwner, setOpen)}
      />
      {open?.kind === "create" && <CreatePlatform onCreated={setCreated} onClose={close} />}
      {open?.kind === "edit" && <EditPlatform platform={open.platform} onClose={close} />}
      {open?.kind === "delete" && <DeletePlatform platform={open.platform} onClose={close} />}
    </article>
  );
}

function columnsOf(
  words: ReturnType<typeof useWords>,
  isOwner: boolean,
  onOpen: (open: Open) => void,
): Column<Platform>[] {
  return [
    {
      title: words.name,
      cell: (platform) => (
        <>
          <span className="value">{platform.name}</span>
          <br />
          <code className="quiet">{platform.key}</code>
        </>
      ),
    },
    { title: words.tenant, cell: (platform) => <code>{platform.tenantId}</code> },
    { title: words.mode, cell: (platform) => words.modes[platform.mode] },
    { title: words.kept, cell: (platform) => <Kept {...platform.retention} /> },
    {
      title: words.actions,
      cell: (platform) => (
        <span className="row">
          {platform.viewerIsAdmin && (
            <RowAction label={words.editOf(platform.name)} onPress={() => onOpen({ kind: "edit", platform })}>
              {words.edit}
            </RowAction>
          )}
          {isOwner && (
            <RowAction
              label={words.deleteOf(platform.name)}
              isDestructive
              onPress={() => onOpen({ kind: "delete", platform })}
            >
              {words.delete}
            </RowAction>
          )}
        </span>
      ),
    },
  ];
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
