/** The form for a new webhook. */
import { Checkbox, CheckboxGroup, FieldError, Input, Label, Text, TextField } from "react-aria-components";
import { useParams } from "react-router";
import { useMutation } from "urql";
import { useEventNames } from "../../components/event-words";
import { useForm } from "../../components/form";
import { FormWindow } from "../../components/FormWindow";
import { CreateWebhookDocument, type EventType } from "../../generated/graphql";
import styles from "./Webhooks.module.css";
import { useWords } from "./words";

interface CreateProps {
  onClose: () => void;
  onSecret: (secret: string) => void;
}

export function Create({ onClose, onSecret }: CreateProps) {
  const words = useWords();
  const { platformKey = "" } = useParams();
  const form = useForm<{ url: string; types: EventType[] }>(`webhook ${platformKey}`, { url: "", types: [] });
  const { url, types } = form.fields;
  const [{ data, error }, create] = useMutation(CreateWebhookDocument);
  const problem = data?.createWebhook.userErrors[0]?.message ?? error?.graphQLErrors[0]?.message ?? error?.message;

  async function submit(): Promise<string | undefined> {
    const input = { platformKey, url: url.trim(), ...(types.length && { types }) };
    const payload = (await create({ input })).data?.createWebhook;
    if (!payload?.secret) return "";
    onSecret(payload.secret);
    return undefined;
  }

  return (
    <FormWindow
      title={words.createTitle}
      action={words.create}
      form={form}
      isComplete={url.trim() !== ""}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField
        type="url"
        value={url}
        onChange={(url) => form.set({ url })}
        autoComplete="off"
        isInvalid={!!problem}
        validationBehavior="aria"
      >
        <Label>{words.url}</Label>
        <Input />
        <Text slot="description">{words.urlHint}</Text>
        <FieldError>{problem}</FieldError>
      </TextField>
      <Types chosen={types} onChange={(types) => form.set({ types })} />
    </FormWindow>
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
