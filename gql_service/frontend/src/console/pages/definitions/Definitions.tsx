/** All definitions of a platform: what each allows, where it is shown, and how many documents have it. */
import { useCallback, useMemo, useState } from "react";
import { Button, Input, Label, SearchField } from "react-aria-components";
import { Link, useParams } from "react-router";
import { useQuery } from "urql";
import { useDefinitionChanges } from "../../components/admin/definition-changes";
import { useDateFormat, useNumberFormat } from "../../components/format";
import { Empty, Failure, Skeleton } from "../../components/State";
import { type DefinitionFragment, type DefinitionsQuery, DefinitionsDocument } from "../../generated/graphql";
import { Bars, Share } from "./Bars";
import styles from "./Definitions.module.css";
import { useRules } from "./rules-words";
import { useWords } from "./words";

/** How many rows are shown at a time: a platform may have thousands of keys. */
const PAGE = 100;

export default function Definitions() {
  const words = useWords();
  const { platformKey = "" } = useParams();
  // A list that is empty names no type, so the cache is told what it depends on.
  const context = useMemo(() => ({ additionalTypenames: ["MetadataDefinition"] }), []);
  const [{ data, error }, read] = useQuery({ query: DefinitionsDocument, variables: { platformKey }, context });
  const readAgain = useCallback(() => read({ requestPolicy: "network-only" }), [read]);
  useDefinitionChanges(platformKey, null, readAgain);
  const platform = data?.platform;
  return (
    <article className="stack">
      <div className="row spread">
        <div>
          <h1>{words.title}</h1>
          <p className="quiet">{words.intro}</p>
        </div>
        <Link className={`button ${styles.define}`} to={`/console/p/${platformKey}/define`}>
          {words.define}
        </Link>
      </div>
      {error && !platform?.definitions ? (
        <Failure error={error} onRetry={readAgain} />
      ) : !platform ? (
        <Skeleton lines={8} />
      ) : (
        <>
          {platform.definitions.length ? <List platform={platform} /> : <Empty>{words.empty}</Empty>}
          {platform.writesPerDay && <Writes days={platform.writesPerDay} />}
        </>
      )}
    </article>
  );
}

type PlatformData = NonNullable<DefinitionsQuery["platform"]>;

function List({ platform }: { platform: PlatformData }) {
  const words = useWords();
  const [wanted, setWanted] = useState("");
  const [shown, setShown] = useState(PAGE);
  const documents = useMemo(
    () => new Map(platform.adoption?.keys.map((each) => [each.key, each.documents])),
    [platform.adoption],
  );
  const matching = platform.definitions.filter((each) => matches(each, wanted));
  return (
    <>
      <SearchField className={`react-aria-SearchField ${styles.find}`} value={wanted} onChange={setWanted}>
        <Label>{words.find}</Label>
        <Input />
      </SearchField>
      {matching.length === 0 && <p className="quiet">{words.noMatch}</p>}
      {matching.length > 0 && (
        <table className="table stacked">
          <thead>
            <tr>
              <th scope="col">{words.key}</th>
              <th scope="col">{words.rules}</th>
              <th scope="col">{words.section}</th>
              <th scope="col">{words.adoption}</th>
              <th scope="col">{words.state}</th>
            </tr>
          </thead>
          <tbody>
            {matching.slice(0, shown).map((each) => (
              <Row
                key={each.key}
                definition={each}
                documents={documents.get(each.key) ?? 0}
                total={platform.adoption?.documents ?? 0}
              />
            ))}
          </tbody>
        </table>
      )}
      {matching.length > shown && (
        <div>
          <Button onPress={() => setShown(shown + PAGE)}>{words.more(Math.min(PAGE, matching.length - shown))}</Button>
        </div>
      )}
    </>
  );
}

function matches({ key, title, section }: DefinitionFragment, wanted: string): boolean {
  const text = wanted.trim().toLocaleLowerCase();
  return [key, title, section].some((each) => each?.toLocaleLowerCase().includes(text));
}

function Row({ definition, documents, total }: { definition: DefinitionFragment; documents: number; total: number }) {
  const words = useWords();
  const rules = useRules();
  const { platformKey } = useParams();
  const format = useNumberFormat();
  return (
    <tr>
      <td className={styles.key}>
        <Link className="code" to={`/console/p/${platformKey}/definitions/${encodeURIComponent(definition.key)}`}>
          {definition.key}
        </Link>
        {definition.title && <div><span className="value">{definition.title}</span></div>}
      </td>
      <td className={`value ${styles.rules}`}>{rules(definition)}</td>
      <td className="value" data-label={words.section}>
        {definition.section}
      </td>
      <td>
        <Share
          part={documents}
          whole={total}
          text={words.documentsOf(format.format(documents), format.format(total))}
        />
      </td>
      <td className={definition.enabled ? undefined : "warning"} data-label={words.state}>
        {definition.enabled ? words.on : words.off}
      </td>
    </tr>
  );
}

function Writes({ days }: { days: NonNullable<PlatformData["writesPerDay"]> }) {
  const words = useWords();
  const format = useNumberFormat();
  // Days of the server are in UTC.
  const dates = useDateFormat({ dateStyle: "medium", timeZone: "UTC" });
  const total = days.reduce((sum, each) => sum + each.writes, 0);
  const most = days.reduce((best, each) => (each.writes > best.writes ? each : best), { day: "", writes: 0 });
  const name = (day: string) => dates.format(new Date(day));
  if (total === 0) return <p className="quiet">{words.noWrites}</p>;
  return (
    <Bars
      title={words.writesPerDay}
      summary={words.writesSummary(format.format(total), format.format(most.writes), name(most.day))}
      bars={days.map(({ day, writes }) => ({
        name: day,
        value: writes,
        text: words.writesOn(name(day), format.format(writes)),
      }))}
    />
  );
}
