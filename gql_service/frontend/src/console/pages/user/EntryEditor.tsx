/** Saving one entry: only what was changed, and only if nobody else has changed the value in the meantime. */
import { useState } from "react";
import { Button } from "react-aria-components";
import { useMutation, useQuery } from "urql";
import { now } from "../../components/clock";
import { problemOf } from "../../components/problem";
import { Value } from "../../components/admin/Value";
import { type EntryFragment, SchemasDocument, SetEntriesDocument } from "../../generated/graphql";
import type { OpenDocument } from "./document";
import { type Draft, inputOf } from "./drafts";
import { EntryForm } from "./EntryForm";
import styles from "./User.module.css";
import { useWords } from "./words";

interface Props extends OpenDocument {
  draft: Draft;
  /** Null ends the editing. */
  onChange: (draft: Draft | null) => void;
}

/** The entry as it is on the server: null if somebody has deleted it. */
type Theirs = EntryFragment | null;

export function EntryEditor({ platformKey, username, draft, onChange }: Props) {
  const words = useWords();
  const schema = useSchema(platformKey, draft);
  const [{ fetching }, set] = useMutation(SetEntriesDocument);
  const [problem, setProblem] = useState<string>();
  const [problemOfValue, setProblemOfValue] = useState<string>();
  const [theirs, setTheirs] = useState<Theirs>();

  async function write(base: Theirs, change: object) {
    const expectedDigests = [{ key: draft.key, digest: base?.digest ?? null }];
    const result = await set({ input: { platformKey, username, expectedDigests, ...change } });
    const errors = result.data?.setUserMetadata.userErrors;
    const conflict = errors?.find((each) => "entries" in each);
    setTheirs(conflict ? (conflict.entries.find((each) => each.metadataKey === draft.key) ?? null) : undefined);
    const isOfValue = errors?.length === 1 && errors[0]?.field.at(-1) === "metadataValue";
    const found = conflict ? words.conflict : problemOf(result, errors);
    setProblem(isOfValue ? undefined : found);
    setProblemOfValue(isOfValue ? found : undefined);
    if (result.data && errors?.length === 0) onChange(null);
  }
  // The server counts an expired entry as none, and removes it with the next change of the document.
  const base = draft.base && !hasExpired(draft.base) ? draft.base : null;
  const save = (current: Theirs) => {
    // An entry that is not there any more is written anew, with all that is in the form.
    const entry = inputOf(current ? draft : { ...draft, base: null });
    return void write(current, { entries: [current && theirs ? { ...entry, metadataValue: draft.value } : entry] });
  };
  return (
    <EntryForm
      draft={draft}
      schema={schema}
      problem={problemOfValue}
      isBusy={fetching}
      onChange={onChange}
      onSave={() => save(base)}
      onCancel={() => onChange(null)}
    >
      <div role="alert">{problem && <p className="danger">{problem}</p>}</div>
      {theirs !== undefined && (
        <>
          <div className={styles.pair}>
            <Side title={words.theirs} value={theirs ? theirs.metadataValue : words.deleted} />
            <Side title={words.yours} value={draft.value} />
          </div>
          <div className="row">
            <Button onPress={() => save(theirs)}>{words.keepMine}</Button>
            <Button onPress={() => onChange(null)}>{words.takeTheirs}</Button>
          </div>
        </>
      )}
      {draft.base && !base && <p className="quiet">{words.expired}</p>}
      {base && (
        <div>
          <Button
            className="react-aria-Button destructive"
            isDisabled={fetching}
            onPress={() => void write(base, { deleteKeys: [draft.key] })}
          >
            {words.remove}
          </Button>
        </div>
      )}
    </EntryForm>
  );
}

/** What the definition of the key says about JSON values. */
function useSchema(platformKey: string | null, { key, valueType }: Draft): unknown {
  const [{ data }] = useQuery({
    query: SchemasDocument,
    variables: { key: platformKey ?? "" },
    pause: platformKey === null || valueType !== "json",
    requestPolicy: "cache-first",
  });
  return data?.platform?.definitions.find((each) => each.key === key)?.schema;
}

const hasExpired = (entry: EntryFragment) =>
  typeof entry.validUntil === "string" && Date.parse(entry.validUntil) <= now();

function Side({ title, value }: { title: string; value: unknown }) {
  return (
    <div>
      <strong>{title}</strong>
      <Value name={title} value={value} />
    </div>
  );
}
