/** A new variant. It begins with nobody, so adding it changes nobody's value. */
import { useState } from "react";
import { Button, FieldError, Input, Label, TextField } from "react-aria-components";
import { useParams } from "react-router";
import { useForm } from "../../components/form";
import { FormWindow } from "../../components/FormWindow";
import type { DefinitionFragment } from "../../generated/graphql";
import { useChange } from "./change";
import { inputOf } from "./draft";
import { useRolloutWords } from "./rollout-words";
import { fromText } from "./values";

export function AddVariant({ definition }: { definition: DefinitionFragment }) {
  const words = useRolloutWords();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button onPress={() => setOpen(true)}>{words.add}</Button>
      {isOpen && <NewVariant definition={definition} onClose={() => setOpen(false)} />}
    </>
  );
}

function NewVariant({ definition, onClose }: { definition: DefinitionFragment; onClose: () => void }) {
  const words = useRolloutWords();
  const { platformKey = "" } = useParams();
  const isFlag = definition.valueType === "boolean" && definition.variants.length === 0;
  const initial = isFlag ? { name: "on", value: "true" } : { name: "", value: "" };
  const form = useForm(`variant ${platformKey} ${definition.key}`, initial);
  const { name, value } = form.fields;
  const { change, problems } = useChange(definition.key);

  async function add(): Promise<string | undefined> {
    const isDone = await change((newest) => {
      const input = inputOf(newest ?? definition);
      const added = { name, value: fromText(definition.valueType, value) ?? null, weight: 0 };
      return { ...input, variants: [...(input.variants ?? []), added] };
    });
    return isDone ? undefined : "";
  }

  return (
    <FormWindow
      title={words.addTitle}
      action={words.add}
      form={form}
      isComplete={name !== ""}
      onSubmit={add}
      onClose={onClose}
    >
      <TextField value={name} onChange={(name) => form.set({ name })} autoComplete="off">
        <Label>{words.name}</Label>
        <Input />
      </TextField>
      <TextField
        value={value}
        onChange={(value) => form.set({ value })}
        autoComplete="off"
        isInvalid={problems.length > 0}
        validationBehavior="aria"
      >
        <Label>{words.value}</Label>
        <Input />
        <FieldError>{problems.map((each) => each.message).join(" ")}</FieldError>
      </TextField>
    </FormWindow>
  );
}
