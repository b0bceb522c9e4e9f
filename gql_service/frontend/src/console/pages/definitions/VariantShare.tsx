/** The share of one variant: a slider for the rough size, a field for the exact one. */
import { Trash2 } from "lucide-react";
import { Button, Input, Label, NumberField, Slider, SliderThumb, SliderTrack } from "react-aria-components";
import { useNumberFormat } from "../../components/format";
import { ALL, Value } from "./Rollout";
import styles from "./Rollout.module.css";
import { useRolloutWords } from "./rollout-words";

interface VariantShareProps {
  variant: { name: string; value: unknown; weight: number };
  index: number;
  /** What the other variants leave. */
  most: number;
  /** How many of all users would get it, if known. */
  members?: number;
  all?: number;
  onChange: (weight: number) => void;
  onRemove: () => void;
}

export function VariantShare({ variant, index, most, members, all, onChange, onRemove }: VariantShareProps) {
  const words = useRolloutWords();
  const format = useNumberFormat();
  const set = (share: number) => Number.isNaN(share) || onChange(Math.min(most, Math.round(share * ALL)));
  return (
    <div className={styles.variant}>
      <div className="row">
        <span aria-hidden className={styles.dot} data-colour={index % 4} />
        <strong className="value">{variant.name}</strong>
        <Value of={variant.value} />
      </div>
      <div className={styles.controls}>
        <Slider
          aria-label={words.share(variant.name)}
          className={`react-aria-Slider ${styles.slider}`}
          value={variant.weight / ALL}
          minValue={0}
          maxValue={1}
          step={0.01}
          formatOptions={{ style: "percent", maximumFractionDigits: 3 }}
          onChange={set}
        >
          <SliderTrack className={styles.track}>
            {({ state }) => (
              <>
                <span className={styles.fill} style={{ width: `${state.getThumbPercent(0) * 100}%` }} />
                <SliderThumb className={styles.thumb} />
              </>
            )}
          </SliderTrack>
        </Slider>
        <NumberField
          className={`react-aria-NumberField ${styles.exact}`}
          value={variant.weight / ALL}
          minValue={0}
          maxValue={most / ALL}
          step={0.00001}
          formatOptions={{ style: "percent", maximumFractionDigits: 3 }}
          onChange={set}
        >
          <Label className="hidden-visually">{words.shareExact(variant.name)}</Label>
          <Input />
        </NumberField>
        <Button className="react-aria-Button plain" aria-label={words.remove(variant.name)} onPress={onRemove}>
          <Trash2 aria-hidden size={16} />
        </Button>
      </div>
      <p className="quiet">
        {members === undefined || all === undefined ? " " : words.about(format.format(members), format.format(all))}
      </p>
    </div>
  );
}
