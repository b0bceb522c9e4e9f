/** All tenants, for platform owners. */
import { useState } from "react";
import { Input, Label, Text, TextField } from "react-aria-components";
import { useMutation, useQuery } from "urql";
import { useForm } from "../../components/form";
import { FormWindow } from "../../components/FormWindow";
import { Day } from "../../components/Instant";
import { type Column, List, RowAction } from "../../components/List";
import { usePaging } from "../../components/Paging";
import { problemOf } from "../../components/problem";
import { CreateTenantDocument, RenameTenantDocument, TenantsDocument } from "../../generated/graphql";
import { PlatformOwners, TenantAdmins } from "./Administrators";
import { DeleteTenant } from "./DeleteTenant";
import { CHANGED, draftOf, type Tenant } from "./tenant";
import { useWords } from "./words";

type Open = { kind: "create" } | { kind: "admins" | "rename" | "delete"; tenant: Tenant };

export default function Tenants() {
  const words = useWords();
  const paging = usePaging();
  const [open, setOpen] = useState<Open | null>(null);
  const [created, setCreated] = useState<string>();
  const [{ data, error }, read] = useQuery({ query: TenantsDocument, variables: { after: paging.after } });
  const close = () => setOpen(null);
  return (
    <article className="stack">
      <List
        title={words.title}
        intro={words.intro}
        empty={words.empty}
        create={words.create}
        onCreate={() => setOpen({ kind: "create" })}
        created={created}
        page={data?.tenants}
        error={error}
        onRetry={() => read({ requestPolicy: "network-only" })}
        paging={paging}
        keyOf={(tenant) => tenant.tenantId}
        columns={columnsOf(words, setOpen)}
      />
      <PlatformOwners />
      {open?.kind === "admins" && <TenantAdmins tenant={open.tenant} onClose={close} />}
      {open?.kind === "create" && <Create onCreated={setCreated} onClose={close} />}
      {open?.kind === "rename" && <Rename tenant={open.tenant} onClose={close} />}
      {open?.kind === "delete" && <DeleteTenant tenant={open.tenant} onClose={close} />}
    </article>
  );
}

function columnsOf(words: ReturnType<typeof useWords>, onOpen: (open: Open) => void): Column<Tenant>[] {
  return [
    { title: words.name, cell: (tenant) => <span className="value">{tenant.name}</span> },
    { title: words.id, cell: (tenant) => <code>{tenant.tenantId}</code> },
    { title: words.created, cell: (tenant) => <Day at={tenant.createdAt} /> },
    {
      title: words.actions,
      cell: (tenant) => (
        <span className="row">
          <RowAction label={words.adminsOf(tenant.name)} onPress={() => onOpen({ kind: "admins", tenant })}>
            {words.admins}
          </RowAction>
          <RowAction label={words.renameOf(tenant.name)} onPress={() => onOpen({ kind: "rename", tenant })}>
            {words.rename}
          </RowAction>
          <RowAction
            label={words.deleteOf(tenant.name)}
            isDestructive
            onPress={() => onOpen({ kind: "delete", tenant })}
          >
            {words.delete}
          </RowAction>
        </span>
      ),
    },
  ];
}

function Create({ onCreated, onClose }: { onCreated: (id?: string) => void; onClose: () => void }) {
  const words = useWords();
  const form = useForm("new tenant", { name: "", id: "" });
  const { name, id } = form.fields;
  const [, create] = useMutation(CreateTenantDocument);

  async function submit() {
    const { data, error } = await create({ input: { name, tenantId: id.trim() || null } }, CHANGED);
    onCreated(data?.createTenant?.tenant?.tenantId);
    return problemOf({ error }, data?.createTenant?.userErrors);
  }

  return (
    <FormWindow title={words.create} action={words.create} form={form} onSubmit={submit} onClose={onClose}>
      <NameField value={name} onChange={(name) => form.set({ name })} />
      <TextField value={id} onChange={(id) => form.set({ id })} autoComplete="off">
        <Label>{words.id}</Label>
        <Input />
        <Text slot="description">{words.idHint}</Text>
      </TextField>
    </FormWindow>
  );
}

function Rename({ tenant, onClose }: { tenant: Tenant; onClose: () => void }) {
  const words = useWords();
  const form = useForm(draftOf(tenant), { name: tenant.name });
  const { name } = form.fields;
  const [, rename] = useMutation(RenameTenantDocument);

  async function submit() {
    const { data, error } = await rename({ input: { tenantId: tenant.tenantId, name } });
    return problemOf({ error }, data?.renameTenant?.userErrors);
  }

  return (
    <FormWindow
      title={words.renameOf(tenant.name)}
      action={words.rename}
      form={form}
      onSubmit={submit}
      onClose={onClose}
    >
      <NameField value={name} onChange={(name) => form.set({ name })} />
    </FormWindow>
  );
}

function NameField({ value, onChange }: { value: string; onChange: (name: string) => void }) {
  return (
    <TextField value={value} onChange={onChange} isRequired autoFocus maxLength={200} autoComplete="off">
      <Label>{useWords().name}</Label>
      <Input />
    </TextField>
  );
}
