/** Who gets which variant: the shares as a bar, a slider for each, and how many users a change would move. */
import { useState } from "react";
import { Button } from "react-aria-components";
import { useDraft } from "../../components/draft";
import { useNumberFormat } from "../../components/format";
import { useParams } from "react-router";
import type { DefinitionFragment } from "../../generated/graphql";
import { AddVariant } from "./AddVariant";
import { useChange } from "./change";
import { inputOf } from "./draft";
import { usePreview } from "./preview";
import styles from "./Rollout.module.css";
import { useRolloutWords } from "./rollout-words";
import { Stack } from "./Stack";
import { show } from "./values";
import { VariantShare } from "./VariantShare";

/** All users, in the unit of weights. */
export const ALL = 100_000;
type Weights = Record<string, number>;

export function Rollout({ definition }: { definition: DefinitionFragment }) {
  const words = useRolloutWords();
  const { platformKey = "" } = useParams();
  const [draft, setDraft] = useDraft<Weights>(`rollout ${platformKey} ${definition.key}`);
  const [isSaved, setSaved] = useState(false);
  const { change, isBusy, problems } = useChange(definition.key);
  const variants = definition.variants.map((each) => ({ ...each, weight: draft?.[each.name] ?? each.weight }));
  const used = variants.reduce((sum, each) => sum + each.weight, 0);
  const preview = usePreview(definition.key, variants);

  async function save(): Promise<void> {
    const isDone = await change((newest) => withWeights(newest ?? definition, draft ?? {}));
    if (isDone) setDraft(undefined);
    setSaved(isDone);
  }

  return (
    <div className="stack">
      <p>
        {words.defaultIs}: <Value of={definition.default} />
      </p>
      {variants.length === 0 && <p className="quiet">{words.noVariants}</p>}
      {variants.length > 0 && <Stack variants={variants} />}
      {variants.map((variant, index) => (
        <VariantShare
          key={variant.name}
          variant={variant}
          index={index}
          most={ALL - used + variant.weight}
          members={preview?.variants.find((each) => each.name === variant.name)?.members}
          all={preview?.members}
          onChange={(weight) => {
            setSaved(false);
            setDraft({ ...draft, [variant.name]: weight });
          }}
          onRemove={() =>
            void change((newest) => without(newest ?? definition, variant.name))
          }
        />
      ))}
      {preview && variants.length > 0 && <Effect moved={preview.moved} overrides={preview.overrides} />}
      <p role="alert" className="danger">
        {problems.map((each) => each.message).join(" ")}
      </p>
      <div className="row">
        {variants.length > 0 && (
          <Button className="react-aria-Button primary" isPending={isBusy} isDisabled={!draft} onPress={() => void save()}>
            {words.save}
          </Button>
        )}
        {draft && <Button onPress={() => setDraft(undefined)}>{words.discard}</Button>}
        <AddVariant definition={definition} />
        <span role="status" className="success">
          {isSaved && words.saved}
        </span>
      </div>
    </div>
  );
}

export function Value({ of: value }: { of: unknown }) {
  const words = useRolloutWords();
  if (value === null || value === undefined) return <span className="quiet">{words.noDefault}</span>;
  return <code className="value">{show(value)}</code>;
}

/** What the change would do to the users. Read out when it changes. */
function Effect({ moved, overrides }: { moved: number; overrides: number }) {
  const words = useRolloutWords();
  const format = useNumberFormat();
  return (
    <p role="status" className={moved ? styles.moved : "quiet"}>
      {moved ? words.moved(format.format(moved)) : words.nobodyMoves}{" "}
      {overrides > 0 && words.overrides(format.format(overrides))}
    </p>
  );
}

function withWeights(definition: DefinitionFragment, weights: Weights) {
  const input = inputOf(definition);
  return {
    ...input,
    variants: definition.variants.map(({ name, value, weight }) => ({ name, value, weight: weights[name] ?? weight })),
  };
}

function without(definition: DefinitionFragment, name: string) {
  return inputOf({ ...definition, variants: definition.variants.filter((each) => each.name !== name) });
}
