import { memo, useState } from "react";
import { Button } from "react-aria-components";
import type { Edit } from "./Control";
import type { Draft, UserError } from "./draft";
import { inSections, type Setting } from "./load";
import { SettingRow } from "./SettingRow";
import { useWords } from "./words";

interface SectionsProps {
  settings: readonly Setting[];
  draft: Draft;
  changed: ReadonlySet<string>;
  isBusy: boolean;
  /** What the server has against the new values. */
  errors: readonly UserError[];
  onEdit: (setting: Setting, edit: Edit) => void;
  onDiscard: (key: string) => void;
}

export function Sections({ settings, ...props }: SectionsProps) {
  const words = useWords();
  const sections = inSections(settings);
  return sections.map(([name, members]) => (
    <section key={name ?? " "} className="stack">
      <div>
        <h2 className="value">{name === null ? words.other : name || words.general}</h2>
        {name === null && <p className="quiet">{words.otherText}</p>}
      </div>
      <Rows {...props} settings={members} />
    </section>
  ));
}

/** A document may have 2,000 keys. So many controls at once are slow. */
const AT_ONCE = 50;

const Rows = memo(function Rows({ settings, draft, changed, isBusy, errors, onEdit, onDiscard }: SectionsProps) {
  const words = useWords();
  const [count, setCount] = useState(AT_ONCE);
  return (
    <>
      <ul>
        {settings.slice(0, count).map((setting) => (
          <SettingRow
            key={setting.key}
            setting={setting}
            change={draft.get(setting.key)}
            isFresh={changed.has(setting.key)}
            isBusy={isBusy}
            problem={errors.find(({ field }) => field[1] === setting.key)?.message}
            onEdit={onEdit}
            onDiscard={onDiscard}
          />
        ))}
      </ul>
      {settings.length > count && (
        <Button onPress={() => setCount(count + AT_ONCE)}>{words.showMore(settings.length - count)}</Button>
      )}
    </>
  );
});
