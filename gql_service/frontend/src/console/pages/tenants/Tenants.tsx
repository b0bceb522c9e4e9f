/** All tenants, for platform owners. */
import { useState } from "react";
import { Button, Input, Label, Text, TextField } from "react-aria-components";
import { useMutation, useQuery } from "urql";
import { FormWindow } from "../../components/FormWindow";
import { Day } from "../../components/Instant";
import { PagingButtons, usePaging } from "../../components/Paging";
import { problemOf } from "../../components/problem";
import { Empty, Failure, Skeleton } from "../../components/State";
import { CreateTenantDocument, RenameTenantDocument, TenantsDocument } from "../../generated/graphql";
import { PlatformOwners, TenantAdmins } from "./Administrators";
import { DeleteTenant } from "./DeleteTenant";
import { CHANGED, type Tenant } from "./tenant";
import { useWords } from "./words";

type Open = { kind: "create" } | { kind: "admins" | "rename" | "delete"; tenant: Tenant };

export default function Tenants() {
  const words = useWords();
  const paging = usePaging();
  const [open, setOpen] = useState<Open | null>(null);
  const [{ data, error }, read] = useQuery({ query: TenantsDocument, variables: { after: paging.after } });
  const close = () => setOpen(null);
  const page = data?.tenants;
  return (
    <article className="stack">
      <div className="row spread">
        <h1>{words.title}</h1>
        <Button className="react-aria-Button primary" onPress={() => setOpen({ kind: "create" })}>
          {words.create}
        </Button>
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
          <Table tenants={page.nodes} onOpen={setOpen} />
          <PagingButtons paging={paging} pageInfo={page.pageInfo} />
        </>
      )}
      <PlatformOwners />
      {open?.kind === "admins" && <TenantAdmins tenant={open.tenant} onClose={close} />}
      {open?.kind === "create" && <Create onClose={close} />}
      {open?.kind === "rename" && <Rename tenant={open.tenant} onClose={close} />}
      {open?.kind === "delete" && <DeleteTenant tenant={open.tenant} onClose={close} />}
    </article>
  );
}

function Table({ tenants, onOpen }: { tenants: readonly Tenant[]; onOpen: (open: Open) => void }) {
  const words = useWords();
  return (
    <table className="table stacked">
      <thead>
        <tr>
          <th>{words.name}</th>
          <th>{words.id}</th>
          <th>{words.created}</th>
          <th>{words.actions}</th>
        </tr>
      </thead>
      <tbody>
        {tenants.map((tenant) => (
          <tr key={tenant.tenantId}>
            <td className="value">{tenant.name}</td>
            <td data-label={words.id}>
              <code>{tenant.tenantId}</code>
            </td>
            <td data-label={words.created}>
              <Day at={tenant.createdAt} />
            </td>
            <td>
              <span className="row">
                <Button aria-label={words.adminsOf(tenant.name)} onPress={() => onOpen({ kind: "admins", tenant })}>
                  {words.admins}
                </Button>
                <Button aria-label={words.renameOf(tenant.name)} onPress={() => onOpen({ kind: "rename", tenant })}>
                  {words.rename}
                </Button>
                <Button
                  className="react-aria-Button plain destructive"
                  aria-label={words.deleteOf(tenant.name)}
                  onPress={() => onOpen({ kind: "delete", tenant })}
                >
                  {words.delete}
                </Button>
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Create({ onClose }: { onClose: () => void }) {
  const words = useWords();
  const [name, setName] = useState("");
  const [id, setId] = useState("");
  const [, create] = useMutation(CreateTenantDocument);

  async function submit() {
    const { data, error } = await create({ input: { name, tenantId: id.trim() || null } }, CHANGED);
    return problemOf({ error }, data?.createTenant?.userErrors);
  }

  return (
    <FormWindow title={words.create} action={words.create} onSubmit={submit} onClose={onClose}>
      <TextField value={name} onChange={setName} isRequired autoFocus maxLength={200} autoComplete="off">
        <Label>{words.name}</Label>
        <Input />
      </TextField>
      <TextField value={id} onChange={setId} autoComplete="off">
        <Label>{words.id}</Label>
        <Input />
        <Text slot="description">{words.idHint}</Text>
      </TextField>
    </FormWindow>
  );
}

function Rename({ tenant, onClose }: { tenant: Tenant; onClose: () => void }) {
  const words = useWords();
  const [name, setName] = useState(tenant.name);
  const [, rename] = useMutation(RenameTenantDocument);

  async function submit() {
    const { data, error } = await rename({ input: { tenantId: tenant.tenantId, name } });
    return problemOf({ error }, data?.renameTenant?.userErrors);
  }

  return (
    <FormWindow title={words.renameOf(tenant.name)} action={words.rename} onSubmit={submit} onClose={onClose}>
      <TextField value={name} onChange={setName} isRequired autoFocus maxLength={200} autoComplete="off">
        <Label>{words.name}</Label>
        <Input />
      </TextField>
    </FormWindow>
  );
}
