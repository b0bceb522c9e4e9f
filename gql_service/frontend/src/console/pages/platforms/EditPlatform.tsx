/** Name, mode and retention of a platform. Only what was changed is sent. */
import { useState } from "react";
import { Checkbox, Input, Label, NumberField, Radio, RadioGroup, TextField } from "react-aria-components";
import { useMutation } from "urql";
import { useForm } from "../../components/form";
import { FormWindow } from "../../components/FormWindow";
import { problemOf } from "../../components/problem";
import { RenamePlatformDocument, SetModeDocument, SetRetentionDocument } from "../../generated/graphql";
import { draftOf, type Platform } from "./platform";
import styles from "./Platforms.module.css";
import { useWords } from "./words";

const FIELDS = ["historyMaxAge", "historyMaxChanges", "idempotencyMaxAge"] as const;
type Retention = Record<(typeof FIELDS)[number], number | null>;

export function EditPlatform({ platform, onClose }: { platform: Platform; onClose: () => void }) {
  const words = useWords();
  const before: Retention = {
    historyMaxAge: platform.retention.historyMaxAge ?? null,
    historyMaxChanges: platform.retention.historyMaxChanges ?? null,
    idempotencyMaxAge: platform.retention.idempotencyMaxAge ?? null,
  };
  const form = useForm(draftOf(platform), { name: platform.name, mode: platform.mode, retention: before });
  const { name, mode, retention } = form.fields;
  const [broken, setBroken] = useState(0);
  const [force, setForce] = useState(false);
  const [, rename] = useMutation(RenamePlatformDocument);
  const [, changeMode] = useMutation(SetModeDocument);
  const [, changeRetention] = useMutation(SetRetentionDocument);
  const platformKey = platform.key;

  async function saveMode() {
    const { data, error } = await changeMode({ input: { platformKey, mode, force } });
    setBroken(data?.setMetadataMode?.brokenDocuments ?? 0);
    return problemOf({ error }, data?.setMetadataMode?.userErrors);
  }

  async function saveName() {
    const { data, error } = await rename({ input: { platformKey, name } });
    return problemOf({ error }, data?.renamePlatform?.userErrors);
  }

  async function saveRetention() {
    const { data, error } = await changeRetention({ input: { platformKey, ...retention } });
    return problemOf({ error }, data?.setRetention?.userErrors);
  }

  /** The mode first: it is the one that may be refused because of data. */
  async function submit() {
    const isRetentionChanged = FIELDS.some((field) => retention[field] !== before[field]);
    return (
      (mode !== platform.mode ? await saveMode() : undefined) ??
      (name !== platform.name ? await saveName() : undefined) ??
      (isRetentionChanged ? await saveRetention() : undefined)
    );
  }

  return (
    <FormWindow title={words.editOf(platform.name)} action={words.save} form={form} onSubmit={submit} onClose={onClose}>
      <TextField value={name} onChange={(name) => form.set({ name })} isRequired maxLength={200} autoComplete="off">
        <Label>{words.name}</Label>
        <Input />
      </TextField>
      <RadioGroup
        value={mode}
        onChange={(chosen) => {
          form.set({ mode: chosen === "STRICT" ? "STRICT" : "OPEN" });
          setBroken(0);
          setForce(false);
        }}
      >
        <Label>{words.mode}</Label>
        <Radio value="OPEN">{words.modes.OPEN}</Radio>
        <Radio value="STRICT">{words.modes.STRICT}</Radio>
      </RadioGroup>
      {broken > 0 && (
        <>
          <p className="warning">{words.broken(broken)}</p>
          <Checkbox isSelected={force} onChange={setForce}>
            <span aria-hidden className="box">
              {force && "✓"}
            </span>
            {words.force}
          </Checkbox>
        </>
      )}
      <h3>{words.retention}</h3>
      <p className="quiet small">{words.retentionHint}</p>
      <div className={styles.numbers}>
        {FIELDS.map((field) => (
          <NumberField
            key={field}
            value={retention[field] ?? Number.NaN}
            minValue={0}
            onChange={(value) =>
              form.set({ retention: { ...retention, [field]: Number.isNaN(value) ? null : value } })
            }
          >
            <Label>{words[field]}</Label>
            <Input />
          </NumberField>
        ))}
      </div>
    </FormWindow>
  );
}
