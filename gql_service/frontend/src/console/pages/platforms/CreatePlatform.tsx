import { useId } from "react";
import { Input, Label, Text, TextField } from "react-aria-components";
import { useMutation, useQuery } from "urql";
import { useForm } from "../../components/form";
import { FormWindow } from "../../components/FormWindow";
import { problemOf } from "../../components/problem";
import { CreatePlatformDocument, TenantNamesDocument } from "../../generated/graphql";
import { CHANGED } from "./platform";
import { useWords } from "./words";

interface Props {
  onCreated: (key?: string) => void;
  onClose: () => void;
}

export function CreatePlatform({ onCreated, onClose }: Props) {
  const words = useWords();
  const suggestions = useId();
  const form = useForm("new platform", { key: "", name: "", tenantId: "" });
  const { key, name, tenantId } = form.fields;
  const [{ data }] = useQuery({ query: TenantNamesDocument });
  const [, create] = useMutation(CreatePlatformDocument);

  async function submit() {
    const input = { key: key.trim(), tenantId: tenantId.trim(), name: name || null };
    const answer = await create({ input }, CHANGED);
    onCreated(answer.data?.createPlatform?.platform?.key);
    return problemOf(answer, answer.data?.createPlatform?.userErrors);
  }

  return (
    <FormWindow title={words.create} action={words.create} form={form} onSubmit={submit} onClose={onClose}>
      <TextField
        value={key}
        onChange={(key) => form.set({ key })}
        isRequired
        autoFocus
        maxLength={100}
        autoComplete="off"
      >
        <Label>{words.key}</Label>
        <Input />
        <Text slot="description">{words.keyHint}</Text>
      </TextField>
      <TextField value={name} onChange={(name) => form.set({ name })} maxLength={200} autoComplete="off">
        <Label>{words.name}</Label>
        <Input />
      </TextField>
      <TextField value={tenantId} onChange={(tenantId) => form.set({ tenantId })} isRequired autoComplete="off">
        <Label>{words.tenant}</Label>
        <Input list={suggestions} />
        <Text slot="description">{words.tenantHint}</Text>
      </TextField>
      {/* The first tenants only: there may be many, and every id can be typed. */}
      <datalist id={suggestions}>
        {data?.tenants?.nodes.map((tenant) => (
          <option key={tenant.tenantId} value={tenant.tenantId}>
            {tenant.name}
          </option>
        ))}
      </datalist>
    </FormWindow>
  );
}
