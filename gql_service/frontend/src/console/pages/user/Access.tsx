/** What a user may do: permissions, restrictions, tokens. */
import { Button, Label, Text, TextArea, TextField } from "react-aria-components";
import { useMutation } from "urql";
import { Check } from "../../components/admin/Check";
import { useDraft } from "../../components/draft";
import { problemOf } from "../../components/problem";
import { SaveAccessDocument } from "../../generated/graphql";
import { useAccountWords } from "./account-words";
import { LOCKS } from "./Header";
import { Tokens } from "./Tokens";
import type { AdminUser } from "./User";
import styles from "./User.module.css";
import { useWords } from "./words";

export function Access({ user }: { user: AdminUser }) {
  return (
    <div className="stack">
      <AccessForm user={user} />
      <Tokens username={user.username} />
    </div>
  );
}

interface Draft {
  /** Of the user, when editing began. */
  revision: number | null;
  /** One a line. */
  permissions: string;
  locks: ReadonlySet<string>;
}

function AccessForm({ user }: { user: AdminUser }) {
  const words = useAccountWords();
  const { discard } = useWords();
  const [draft, setDraft] = useDraft<Draft>(`access ${user.username}`);
  const shown = draft ?? {
    revision: user.revision ?? null,
    permissions: (user.permissions ?? []).join("\n"),
    locks: new Set<string>(LOCKS.filter((lock) => user[lock])),
  };
  const { locks } = shown;
  const [{ fetching, ...result }, save] = useMutation(SaveAccessDocument);
  const submit = async () => {
    const lines = shown.permissions.split("\n").map((line) => line.trim());
    const changed = LOCKS.filter((lock) => locks.has(lock) !== Boolean(user[lock]));
    const { data } = await save({
      input: {
        username: user.username,
        expectedRevision: shown.revision,
        permissions: lines.filter(Boolean),
        ...Object.fromEntries(changed.map((lock) => [lock, locks.has(lock)])),
      },
    });
    if (data?.updateUser.userErrors.length === 0) setDraft(undefined);
  };
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <TextField
        value={shown.permissions}
        onChange={(permissions) => setDraft({ ...shown, permissions })}
        spellCheck="false"
      >
        <Label>{words.permissions}</Label>
        <TextArea />
        <Text slot="description">{words.permissionsHint}</Text>
      </TextField>
      <fieldset className={styles.group}>
        <legend>{words.locks}</legend>
        {LOCKS.map((lock) => (
          <Check
            key={lock}
            isSelected={locks.has(lock)}
            onChange={(isOn) => {
              const changed = new Set(locks);
              if (isOn) changed.add(lock);
              else changed.delete(lock);
              setDraft({ ...shown, locks: changed });
            }}
          >
            {words.lockNames[lock]}
          </Check>
        ))}
      </fieldset>
      <p role="alert" className="danger">
        {problemOf(result, result.data?.updateUser.userErrors)}
      </p>
      <div className="row">
        <Button type="submit" className="react-aria-Button primary" isDisabled={fetching}>
          {words.save}
        </Button>
        {draft && <Button onPress={() => setDraft(undefined)}>{discard}</Button>}
      </div>
    </form>
  );
}
