/** The editor of a definition: of a new one, or of one that exists. */
import { useState } from "react";
import { Button } from "react-aria-components";
import { useNavigate, useParams } from "react-router";
import { useDraft } from "../../components/draft";
import { useNumberFormat } from "../../components/format";
import type { DefinitionFragment } from "../../generated/graphql";
import { useChange } from "./change";
import { type Check, useCheck } from "./check";
import { type Draft, draftOf, editsOf, inputOf, NEW_DRAFT, RULES, TYPES } from "./draft";
import styles from "./Editor.module.css";
import { useEditorWords } from "./editor-words";
import { Choice, Field, type Form, OneOf, Switch } from "./Fields";

/** The fields at which errors are shown. Others stand under the form. */
const FIELDS: readonly string[] = Object.keys(NEW_DRAFT);

interface Edited {
  draft: Draft;
  /** What the draft began with: edits are told from it, even if others change the definition meanwhile. */
  initial: Draft;
}

export function Editor({ definition }: { definition?: DefinitionFragment }) {
  const words = useEditorWords();
  const { platformKey = "" } = useParams();
  const navigate = useNavigate();
  const [edited, setEdited] = useDraft<Edited>(`definition ${platformKey} ${definition?.key ?? ""}`);
  const [isSaved, setSaved] = useState(false);
  const initial = edited?.initial ?? (definition ? draftOf(definition) : NEW_DRAFT);
  const shown = edited?.draft ?? initial;
  const { change, isBusy, problems: refusals } = useChange(shown.key);
  const check = useCheck(definition, shown, initial);
  // What the fields say is checked again while they are edited; of the rest, the last attempt to save tells.
  const problems = check ? [...refusals.filter((each) => !each.field), ...check.problems] : refusals;

  function set(edit: Partial<Draft>): void {
    setSaved(false);
    setEdited({ initial, draft: { ...shown, ...edit } });
  }

  async function save(force: boolean): Promise<void> {
    const isDone = await change((newest) => ({
      ...(newest && inputOf(newest)),
      ...editsOf(shown, initial),
      force,
    }));
    if (!isDone) return;
    setEdited(undefined);
    setSaved(true);
    if (!definition) void navigate(`/console/p/${platformKey}/definitions/${encodeURIComponent(shown.key)}`);
  }

  const isMended = check !== undefined && !check.report?.brokenDocuments;
  const broken = isMended ? undefined : refusals.find((each) => each.brokenDocuments);
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void save(false);
      }}
    >
      <Sections form={{ draft: shown, set, problems }} isNew={!definition} />
      <div role="alert" className="danger">
        {problems
          .filter((each) => !each.brokenDocuments && !FIELDS.includes(each.field ?? ""))
          .map((each) => each.message)
          .join(" ")}
        {broken && words.broken(broken.brokenDocuments)}
      </div>
      {!broken && check?.report && <Findings {...check.report} />}
      <div className="row">
        <Button type="submit" className="react-aria-Button primary" isPending={isBusy} isDisabled={!shown.key}>
          {definition ? words.save : words.create}
        </Button>
        {broken && (
          <Button className="react-aria-Button destructive" isPending={isBusy} onPress={() => void save(true)}>
            {words.force}
          </Button>
        )}
        {edited && <Button onPress={() => setEdited(undefined)}>{words.discard}</Button>}
        <span role="status" className="success">
          {isSaved && words.saved}
        </span>
      </div>
    </form>
  );
}

/** What is known before saving of the documents that have the key. */
function Findings({ brokenDocuments: broken, checkedDocuments: checked, examples }: NonNullable<Check["report"]>) {
  const words = useEditorWords();
  const format = useNumberFormat();
  return (
    <div role="status" className={broken ? "warning" : "quiet"}>
      <p>{broken ? words.breaking(broken, format.format(broken), format.format(checked)) : words.fits(format.format(checked))}</p>
      <ul>
        {examples.map(({ username, violation }) => (
          <li key={username} className="value">
            {username}: {violation}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Sections({ form, isNew }: { form: Form; isNew: boolean }) {
  const words = useEditorWords();
  const { valueType } = form.draft;
  return (
    <>
      <fieldset className={styles.fields}>
        <legend className="hidden-visually">{words.rules}</legend>
        {isNew && <Field form={form} name="key" />}
        <OneOf
          label={words.type}
          value={valueType}
          items={words.types}
          onChange={(chosen) => form.set({ valueType: TYPES.find((type) => type === chosen) ?? "string" })}
        />
        {RULES[valueType].map((name) => (
          <Field key={name} form={form} name={name} />
        ))}
        <Field form={form} name="default" />
      </fieldset>
      <fieldset className={styles.fields}>
        <legend>{words.page}</legend>
        <Field form={form} name="title" />
        <Field form={form} name="section" />
        <Field form={form} name="position" />
        <Field form={form} name="description" />
        <Field form={form} name="category" />
      </fieldset>
      <fieldset className={styles.fields}>
        <legend>{words.entries}</legend>
        <Choice form={form} name="isPublic" />
        <Choice form={form} name="isEditable" />
        <Choice form={form} name="isIndexed" />
        <Choice form={form} name="isEncrypted" />
      </fieldset>
      <div className={styles.switches}>
        <Switch form={form} name="clientVisible" />
        <Switch form={form} name="userWideFallback" />
      </div>
    </>
  );
}
