/** The state of the service, for platform owners. */
import { RefreshCw } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { Button } from "react-aria-components";
import { useQuery } from "urql";
import { useNumberFormat } from "../../components/format";
import { Instant } from "../../components/Instant";
import { Failure, Skeleton } from "../../components/State";
import { HealthDocument, type HealthQuery } from "../../generated/graphql";
import { Limits } from "./Limits";
import styles from "./Health.module.css";
import { useWords } from "./words";

type Status = NonNullable<HealthQuery["serviceStatus"]>;

export default function Health() {
  const words = useWords();
  const [{ data, error, fetching, stale }, read] = useQuery({ query: HealthDocument });
  const reload = () => read({ requestPolicy: "network-only" });
  const status = data?.serviceStatus;
  const workers = useWorkers(status?.worker);
  return (
    <article className="stack">
      <div className="row spread">
        <h1>{words.title}</h1>
        <Button onPress={reload} isPending={fetching || stale}>
          <RefreshCw aria-hidden size={16} />
          {words.reload}
        </Button>
      </div>
      {error && <Failure error={error} onRetry={reload} />}
      {!error && !status && <Skeleton />}
      {status && (
        <>
          <dl className={styles.facts}>
            <dt>{words.version}</dt>
            <dd>{status.version}</dd>
            <dt>{words.database}</dt>
            <dd>
              {status.database.kind === "SQLITE" ? "SQLite" : "PostgreSQL"} {status.database.version}
            </dd>
            <dt>{words.migration}</dt>
            <dd>
              <Migration {...status.database} />
            </dd>
          </dl>
          <Section title={words.workers}>
            <p className="quiet">{words.workersIntro}</p>
            <Workers workers={workers} />
          </Section>
          <Section title={words.replicas}>
            <Replicas replicas={status.database.replicas} />
          </Section>
          <Section title={words.limits}>
            <Limits limits={status.limits} />
          </Section>
        </>
      )}
    </article>
  );
}

/** Every worker that has answered since the page was opened. */
function useWorkers(worker: Status["worker"] | undefined): Status["worker"][] {
  const [seen, setSeen] = useState<Status["worker"][]>([]);
  useEffect(() => {
    if (!worker) return;
    setSeen((before) => [...before.filter((each) => each.processId !== worker.processId), worker]);
  }, [worker]);
  return seen;
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="stack">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function Migration({ migration, neededMigration }: Pick<Status["database"], "migration" | "neededMigration">) {
  const words = useWords();
  if (migration === neededMigration) return <span className="success">✓ {words.migrationFits(neededMigration)}</span>;
  return <span className="warning">{words.migrationDiffers(migration ?? words.none, neededMigration)}</span>;
}

function Workers({ workers }: { workers: Status["worker"][] }) {
  const words = useWords();
  return (
    <table className="table">
      <thead>
        <tr>
          <th>{words.process}</th>
          <th>{words.server}</th>
          <th>{words.started}</th>
        </tr>
      </thead>
      <tbody>
        {workers.map((worker) => (
          <tr key={worker.processId}>
            <td>
              <code>{worker.processId}</code>
            </td>
            <td>
              <code>{worker.parentProcessId}</code>
            </td>
            <td>
              <Instant at={worker.startedAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Replicas({ replicas }: { replicas: Status["database"]["replicas"] }) {
  const words = useWords();
  const seconds = useNumberFormat({ style: "unit", unit: "second", unitDisplay: "long" });
  if (replicas.length === 0) return <p>{words.noReplicas}</p>;
  return (
    <table className="table">
      <thead>
        <tr>
          <th>{words.replica}</th>
          <th>{words.state}</th>
          <th>{words.lag}</th>
        </tr>
      </thead>
      <tbody>
        {replicas.map(({ name, isUsed, problem, lagSeconds }) => (
          <tr key={name}>
            <td>
              <code>{name}</code>
            </td>
            <td className={isUsed ? "success" : "warning"}>{isUsed ? words.used : words.notUsed(problem ?? "")}</td>
            <td>{typeof lagSeconds === "number" && seconds.format(lagSeconds)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
