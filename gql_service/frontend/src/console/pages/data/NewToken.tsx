/** Making a token. Its secret is shown once, and is gone when the window is closed. */
import { useState } from "react";
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
import { useMessageOf } from "../../components/State";
import { Window } from "../../components/Window";
import { IssueTokenDocument, type Scope } from "../../generated/graphql";
import { useWords } from "./words";

const SCOPES: readonly Scope[] = ["READ", "WRITE", "EVALUATE", "EVENTS", "ADMIN"];
const DAY = 86_400;
const LIFETIMES = [1, 7, 30, 90, 365];
const FOREVER = "forever";

export function NewToken({ onClose }: { onClose: () => void }) {
  const words = useWords();
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <Window title={secret === null ? words.make : words.made} isOpen onClose={onClose}>
      {secret === null ? <NewTokenForm onMade={setSecret} /> : <Secret secret={secret} onClose={onClose} />}
    </Window>
  );
}

function NewTokenForm({ onMade }: { onMade: (secret: string) => void }) {
  const words = useWords();
  const [label, setLabel] = useState("");
  const [days, setDays] = useState("30");
  const [scopes, setScopes] = useState<string[]>(["READ"]);
  const messageOf = useMessageOf();
  const [{ data, error, fetching }, issue] = useMutation(IssueTokenDocument);
  const problem = data?.issueToken.userErrors[0]?.message ?? (error && messageOf(error));

  async function submit() {
    const expiresInSeconds = days === FOREVER ? null : Number(days) * DAY;
    const result = await issue({
      input: { label, expiresInSeconds, scopes: SCOPES.filter((scope) => scopes.includes(scope)) },
    });
    const token = result.data?.issueToken.token;
    if (token) onMade(token);
  }

  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <TextField value={label} onChange={setLabel} maxLength={200} autoComplete="off">
        <Label>{words.purpose}</Label>
        <Input />
      </TextField>
      <Select value={days} onChange={(chosen) => setDays(String(chosen))}>
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
      <CheckboxGroup value={scopes} onChange={setScopes} className="stack">
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
      <p role="alert" className="danger">
        {problem}
      </p>
      <div className="row">
        <Button type="submit" className="react-aria-Button primary" isDisabled={fetching || scopes.length === 0}>
          {words.make}
        </Button>
      </div>
    </form>
  );
}

function Secret({ secret, onClose }: { secret: string; onClose: () => void }) {
  const words = useWords();
  const [isCopied, setCopied] = useState(false);
  return (
    <>
      <p>{words.once}</p>
      <TextField value={secret} isReadOnly>
        <Label>{words.token}</Label>
        <Input className="react-aria-Input code" onFocus={(event) => event.currentTarget.select()} />
      </TextField>
      <div className="row">
        <Button
          className="react-aria-Button primary"
          onPress={() => void navigator.clipboard.writeText(secret).then(() => setCopied(true))}
        >
          {words.copy}
        </Button>
        <Button onPress={onClose}>{words.done}</Button>
        <span role="status">{isCopied && words.copied}</span>
      </div>
    </>
  );
}
