/** What a user may do: permissions, restrictions, tokens. */
import { type FormEvent, useState } from "react";
import { Button, Label, Text, TextArea, TextField } from "react-aria-components";
import { useMutation } from "urql";
import { Check } from "../../components/admin/Check";
import { problemOf } from "../../components/problem";
import { SaveAccessDocument } from "../../generated/graphql";
import { useAccountWords } from "./account-words";
import { LOCKS } from "./Header";
import { Tokens } from "./Tokens";
import type { AdminUser } from "./User";
import styles from "./User.module.css";

export function Access({ user }: { user: AdminUser }) {
  return (
    <div className="stack">
      {/* Saved changes come back as a new revision of the user, with which the form begins anew. */}
      <AccessForm key={user.revision} user={user} />
      <Tokens username={user.username} />
    </div>
  );
}

function AccessForm({ user }: { user: AdminUser }) {
  const words = useAccountWords();
  const [permissions, setPermissions] = useState((user.permissions ?? []).join("\n"));
  const [locks, setLocks] = useState<ReadonlySet<string>>(new Set(LOCKS.filter((lock) => user[lock])));
  const [{ fetching, ...result }, save] = useMutation(SaveAccessDocument);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const lines = permissions.split("\n").map((line) => line.trim());
    void save({
      input: {
        username: user.username,
        expectedRevision: user.revision ?? null,
        permissions: lines.filter(Boolean),
        ...Object.fromEntries(
          LOCKS.filter((lock) => locks.has(lock) !== Boolean(user[lock])).map((lock) => [lock, locks.has(lock)]),
        ),
      },
    });
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <TextField value={permissions} onChange={setPermissions} spellCheck="false">
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
              setLocks(changed);
            }}
          >
            {words.lockNames[lock]}
          </Check>
        ))}
      </fieldset>
      <p role="alert" className="danger">
        {problemOf(result, result.data?.updateUser.userErrors)}
      </p>
      <div>
        <Button type="submit" className="react-aria-Button primary" isDisabled={fetching}>
          {words.save}
        </Button>
      </div>
    </form>
  );
}
