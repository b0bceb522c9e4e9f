/** The viewer's settings on a platform, drawn from its definitions. */
import { useCallback, useDeferredValue, useState } from "react";
import { Input, Label, SearchField } from "react-aria-components";
import { Link, useParams } from "react-router";
import { useDrafts } from "../../components/draft";
import { Empty, Failure, Skeleton } from "../../components/State";
import { usePlatform } from "../../layout/platform";
import { useViewer } from "../../session";
import { type Choices, Conflicts } from "./Conflicts";
import type { Edit } from "./Control";
import { type Change, withChange, without } from "./draft";
import type { Loaded, Setting } from "./load";
import { SaveBar } from "./SaveBar";
import { Sections } from "./Sections";
import { useSaving } from "./useSaving";
import { useSettings } from "./useSettings";
import { useWords } from "./words";

export default function Settings() {
  const { platformKey = null } = useParams();
  const { userId } = useViewer();
  // A draft belongs to one user and one platform.
  return <SettingsOf key={`${userId} ${platformKey ?? ""}`} platformKey={platformKey} />;
}

function SettingsOf({ platformKey }: { platformKey: string | null }) {
  const words = useWords();
  const settings = useSettings(platformKey);
  const { loaded, error, read } = settings;
  return (
    <article className="stack">
      <h1>{words.title}</h1>
      {error && !loaded ? (
        <Failure error={error} onRetry={() => void read()} />
      ) : loaded === undefined ? (
        <Skeleton lines={8} />
      ) : loaded === null ? (
        <Empty>{words.noPlatform}</Empty>
      ) : (
        <Form platformKey={platformKey} loaded={loaded} changed={settings.changed} read={read} />
      )}
    </article>
  );
}

/** What the settings are about, and where the others are. */
function Introduction({ platformName }: { platformName: string | null }) {
  const words = useWords();
  const platform = usePlatform();
  return (
    <p className="quiet value">
      {platformName === null ? words.introUserWide : words.intro(platformName)}{" "}
      {platformName !== null ? (
        <Link to="/console/settings">{words.userWide}</Link>
      ) : (
        platform && <Link to={`/console/p/${platform.key}/settings`}>{words.ofPlatform(platform.name)}</Link>
      )}
    </p>
  );
}

/** From here on, settings can be searched. */
const MANY = 12;

interface FormProps {
  platformKey: string | null;
  loaded: Loaded;
  changed: ReadonlySet<string>;
  read: (own?: Iterable<string>) => Promise<Loaded | null>;
}

function Form({ platformKey, loaded, changed, read }: FormProps) {
  const words = useWords();
  const [draft, setDraft] = useDrafts<Change>(`settings ${platformKey}`);
  const [choices, setChoices] = useState<Choices>(new Map());
  const [search, setSearch] = useState("");
  const wanted = useDeferredValue(search.toLowerCase());
  const saving = useSaving({ platformKey, loaded, draft, setDraft, read });
  const edit = useCallback(
    (setting: Setting, { value, text, problem }: Edit) =>
      setDraft((before) => withChange(before, setting, { value, text, problem })),
    [setDraft],
  );
  const discard = useCallback((key: string) => setDraft((before) => without(before, [key])), [setDraft]);

  const found = loaded.settings.filter(
    ({ title, key }) => title.toLowerCase().includes(wanted) || key.toLowerCase().includes(wanted),
  );
  return (
    <>
      <Introduction platformName={loaded.platformName} />
      {loaded.settings.length === 0 && <Empty>{platformKey === null ? words.emptyUserWide : words.empty}</Empty>}
      {loaded.settings.length > MANY && (
        <SearchField value={search} onChange={setSearch}>
          <Label>{words.search}</Label>
          <Input />
        </SearchField>
      )}
      {loaded.settings.length > 0 && found.length === 0 && <Empty>{words.nothingFound}</Empty>}
      <Sections
        settings={found}
        draft={draft}
        changed={changed}
        isBusy={saving.isBusy}
        errors={saving.errors}
        onEdit={edit}
        onDiscard={discard}
      />
      <SaveBar draft={draft} saving={saving} onDiscard={() => setDraft(new Map())} />
      {saving.conflicts.length > 0 && (
        <Conflicts
          conflicts={saving.conflicts}
          draft={draft}
          choices={choices}
          onChoose={setChoices}
          onClose={saving.closeConflicts}
          onDecide={saving.decide}
        />
      )}
    </>
  );
}
