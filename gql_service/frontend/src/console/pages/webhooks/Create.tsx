/** The form for a new webhook. */
import { useState } from "react";
import { Button, Checkbox, CheckboxGroup, FieldError, Input, Label, Text, TextField } from "react-aria-components";
import { useParams } from "react-router";
import { useMutation } from "urql";
import { useEventNames } from "../../components/event-words";
import { Window } from "../../components/Window";
import { CreateWebhookDocument, type EventType } from "../../generated/graphql";
import styles from "./Webhooks.module.css";
import { useWords } from "./words";

interface CreateProps {
  isOpen: boolean;
  onClose: () => void;
  onSecret: (secret: string) => void;
}

export function Create({ isOpen, onClose, onSecret }: CreateProps) {
  const words = useWords();
  const { platformKey = "" } = useParams();
  const [url, setUrl] = useState("");
  const [types, setTypes] = useState<EventType[]>([]);
  const [{ data, error, fetching }, create] = useMutation(CreateWebhookDocument);
  const problem = data?.createWebhook.userErrors[0]?.message ?? error?.graphQLErrors[0]?.message ?? error?.message;

  async function submit(): Promise<void> {
    const input = { platformKey, url: url.trim(), ...(types.length && { types }) };
    const payload = (await create({ input })).data?.createWebhook;
    if (!payload?.secret) return;
    setUrl("");
    setTypes([]);
    onClose();
    onSecret(payload.secret);
  }

  return (
    <Window title={words.createTitle} isOpen={isOpen} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <TextField type="url" value={url} onChange={setUrl} autoComplete="off" isInvalid={!!problem} validationBehavior="aria">
          <Label>{words.url}</Label>
          <Input />
          <Text slot="description">{words.urlHint}</Text>
          <FieldError>{problem}</FieldError>
        </TextField>
        <Types chosen={types} onChange={setTypes} />
        <div className="row">
          <Button type="submit" className="react-aria-Button primary" isPending={fetching} isDisabled={!url.trim()}>
            {words.create}
          </Button>
        </div>
      </form>
    </Window>
  );
}

function Types({ chosen, onChange }: { chosen: EventType[]; onChange: (types: EventType[]) => void }) {
  const words = useWords();
  const names = useEventNames();
  const all = Object.keys(names) as EventType[];
  return (
    <CheckboxGroup
      value={chosen}
      onChange={(values) => onChange(all.filter((type) => values.includes(type)))}
      className={styles.types}
    >
      <Label>
        {words.events} {chosen.length === 0 && <span className="quiet">{words.allEvents}</span>}
      </Label>
      {all.map((type) => (
        <Checkbox key={type} value={type}>
          {({ isSelected }) => (
            <>
              <span aria-hidden className="box">
                {isSelected && "✓"}
              </span>
              {names[type]}
            </>
          )}
        </Checkbox>
      ))}
    </CheckboxGroup>
  );
}
