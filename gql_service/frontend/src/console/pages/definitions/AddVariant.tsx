/** A new variant. It begins with nobody, so adding it changes nobody's value. */
import { useState } from "react";
import { Button, FieldError, Input, Label, TextField } from "react-aria-components";
import { Window } from "../../components/Window";
import type { DefinitionFragment } from "../../generated/graphql";
import { useChange } from "./change";
import { inputOf } from "./draft";
import { useRolloutWords } from "./rollout-words";
import { fromText } from "./values";

export function AddVariant({ definition }: { definition: DefinitionFragment }) {
  const words = useRolloutWords();
  const [isOpen, setOpen] = useState(false);
  const isFlag = definition.valueType === "boolean" && definition.variants.length === 0;
  const [name, setName] = useState(isFlag ? "on" : "");
  const [value, setValue] = useState(isFlag ? "true" : "");
  const { change, isBusy, problems } = useChange(definition.key);

  async function add(): Promise<void> {
    const isDone = await change((newest) => {
      const input = inputOf(newest ?? definition);
      const added = { name, value: fromText(definition.valueType, value) ?? null, weight: 0 };
      return { ...input, variants: [...(input.variants ?? []), added] };
    });
    if (!isDone) return;
    setOpen(false);
    setName("");
    setValue("");
  }

  return (
    <>
      <Button onPress={() => setOpen(true)}>{words.add}</Button>
      <Window title={words.addTitle} isOpen={isOpen} onClose={() => setOpen(false)}>
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            void add();
          }}
        >
          <TextField value={name} onChange={setName} autoComplete="off">
            <Label>{words.name}</Label>
            <Input />
          </TextField>
          <TextField
            value={value}
            onChange={setValue}
            autoComplete="off"
            isInvalid={problems.length > 0}
            validationBehavior="aria"
          >
            <Label>{words.value}</Label>
            <Input />
            <FieldError>{problems.map((each) => each.message).join(" ")}</FieldError>
          </TextField>
          <div className="row">
            <Button type="submit" className="react-aria-Button primary" isPending={isBusy} isDisabled={!name}>
              {words.add}
            </Button>
          </div>
        </form>
      </Window>
    </>
  );
}
