/** Making a token. */
import {
  Button,
  Checkbox,
  CheckboxGroup,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Select,
  SelectValue,
  TextField,
} from "react-aria-components";
import { useMutation } from "urql";
import { useForm } from "../../components/form";
import { FormWindow } from "../../components/FormWindow";
import { useMessageOf } from "../../components/State";
import { IssueTokenDocument, type Scope } from "../../generated/graphql";
import { useWords } from "./words";

const SCOPES: readonly Scope[] = ["READ", "WRITE", "EVALUATE", "EVENTS", "ADMIN"];
const DAY = 86_400;
const LIFETIMES = [1, 7, 30, 90, 365];
const FOREVER = "forever";

interface Props {
  onClose: () => void;
  onMade: (secret: string) => void;
}

export function NewToken({ onClose, onMade }: Props) {
  const words = useWords();
  const form = useForm("token", { label: "", days: "30", scopes: ["READ"] });
  const { label, days, scopes } = form.fields;
  const messageOf = useMessageOf();
  const [, issue] = useMutation(IssueTokenDocument);

  async function submit() {
    const expiresInSeconds = days === FOREVER ? null : Number(days) * DAY;
    const { data, error } = await issue({
      input: { label, expiresInSeconds, scopes: SCOPES.filter((scope) => scopes.includes(scope)) },
    });
    if (error) return messageOf(error);
    if (data?.issueToken.token) onMade(data.issueToken.token);
    return data?.issueToken.userErrors[0]?.message;
  }

  return (
    <FormWindow
      title={words.make}
      action={words.make}
      form={form}
      isComplete={scopes.length > 0}
      onSubmit={submit}
      onClose={onClose}
    >
      <TextField value={label} onChange={(label) => form.set({ label })} maxLength={200} autoComplete="off">
        <Label>{words.purpose}</Label>
        <Input />
      </TextField>
      <Select value={days} onChange={(chosen) => form.set({ days: String(chosen) })}>
        <Label>{words.lifetime}</Label>
        <Button>
          <SelectValue />
          <span aria-hidden>▾</span>
        </Button>
        <Popover>
          <ListBox>
            {LIFETIMES.map((each) => (
              <ListBoxItem key={each} id={String(each)}>
                {words.days(each)}
              </ListBoxItem>
            ))}
            <ListBoxItem id={FOREVER}>{words.untilRevoked}</ListBoxItem>
          </ListBox>
        </Popover>
      </Select>
      <CheckboxGroup value={scopes} onChange={(scopes) => form.set({ scopes })} className="stack">
        <Label>{words.mayBeUsedFor}</Label>
        {SCOPES.map((scope) => (
          <Checkbox key={scope} value={scope}>
            {({ isSelected }) => (
              <>
                <span aria-hidden className="box">
                  {isSelected && "✓"}
                </span>
                {words.scopeNames[scope]}
              </>
            )}
          </Checkbox>
        ))}
      </CheckboxGroup>
    </FormWindow>
  );
}
