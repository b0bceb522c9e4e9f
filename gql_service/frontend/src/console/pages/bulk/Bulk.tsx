/** The same change for many users: tried first, so that it is seen before it is made. */
import { Button, ProgressBar, useLocale } from "react-aria-components";
import { AdminOnly } from "../../components/admin/AdminOnly";
import { useWords as useCommonWords } from "../../components/words";
import type { Platform } from "../../layout/platform";
import { useQuestionBeforeClosing } from "../../components/closing";
import { useDraft } from "../../components/draft";
import styles from "./Bulk.module.css";
import { EMPTY_PLAN, isEmptyPatch, isWaiting, linesOf, patchOf, type Plan } from "./patch";
import { PlanForm } from "./PlanForm";
import { Rows } from "./Rows";
import { type Bulk as Progress, useBulk } from "./useBulk";
import { useWords } from "./words";

export default function Bulk() {
  return <AdminOnly>{(platform) => <Page key={platform.key} platform={platform} />}</AdminOnly>;
}

function Page({ platform }: { platform: Platform }) {
  const words = useWords();
  const { locale } = useLocale();
  const [plan = EMPTY_PLAN, setPlan] = useDraft<Plan>(`bulk ${platform.key}`);
  const { bulk, attempt, apply, cancel, reset } = useBulk(platform, words.unknownUser);
  const patch = patchOf(plan);
  const isBusy = bulk.state === "trying" || bulk.state === "applying";
  const hasPeople = plan.by === "list" ? linesOf(plan.usernames).length > 0 : plan.where.every((each) => each.key);
  const isReady = patch !== null && !isEmptyPatch(patch) && hasPeople && !isBusy;
  const waiting = bulk.rows.filter(isWaiting).length;
  useQuestionBeforeClosing(isBusy);
  return (
    <article className="stack">
      <h1>{words.title}</h1>
      <p className="quiet">{words.hint}</p>
      <PlanForm
        platformKey={platform.key}
        plan={plan}
        isBroken={patch === null}
        isDisabled={isBusy}
        onChange={(changed) => {
          setPlan(JSON.stringify(changed) === JSON.stringify(EMPTY_PLAN) ? undefined : changed);
          // What was tried was another change.
          reset();
        }}
      />
      <div className="row">
        <Button
          className={`react-aria-Button${bulk.state === "tried" ? "" : " primary"}`}
          isDisabled={!isReady}
          onPress={() => patch && void attempt(plan, patch)}
        >
          {words.attempt}
        </Button>
        {bulk.state === "tried" && waiting > 0 && patch && (
          <Button className="react-aria-Button primary" onPress={() => void apply(patch)}>
            {words.apply(waiting, locale)}
          </Button>
        )}
      </div>
      <p role="alert" className="danger">
        {bulk.problem}
      </p>
      {isBusy && <Running bulk={bulk} onCancel={cancel} />}
      <Summary bulk={bulk} />
      {bulk.rows.length > 0 && <Rows rows={bulk.rows} />}
    </article>
  );
}

function Running({ bulk, onCancel }: { bulk: Progress; onCancel: () => void }) {
  const words = useWords();
  const common = useCommonWords();
  const label = bulk.state === "trying" ? words.trying : words.applying;
  return (
    <div className="row">
      <ProgressBar aria-label={label} value={bulk.done} maxValue={bulk.total ?? 1} isIndeterminate={bulk.total === null}>
        {label} <progress className={styles.progress} value={bulk.done} max={bulk.total ?? 1} aria-hidden />{" "}
        {words.of(bulk.done, bulk.total)}
      </ProgressBar>
      <Button onPress={onCancel}>{common.cancel}</Button>
    </div>
  );
}

function Summary({ bulk }: { bulk: Progress }) {
  const words = useWords();
  if (bulk.state !== "tried" && bulk.state !== "applied") return <p role="status" />;
  const written = bulk.rows.filter((row) => row.isWritten).length;
  const refused = bulk.rows.filter((row) => row.problem !== null).length;
  const changed = bulk.rows.filter((row) => row.differences.length > 0).length;
  return (
    <p role="status" className={bulk.state === "applied" && refused === 0 ? "success" : undefined}>
      {bulk.rows.length === 0
        ? words.nobody
        : bulk.state === "tried" && written === 0
          ? words.tried(changed, bulk.rows.length, refused)
          : words.applied(written, bulk.rows.length, refused)}
    </p>
  );
}
