/** One webhook: its health, what can be done with it, and its last deliveries. */
import { useState } from "react";
import { Button } from "react-aria-components";
import { useParams } from "react-router";
import { type CombinedError, useMutation } from "urql";
import { useEventNames } from "../../components/event-words";
import { Instant } from "../../components/Instant";
import { Question } from "../../components/Window";
import {
  DeleteWebhookDocument,
  RotateWebhookSecretDocument,
  TestWebhookDocument,
  UpdateWebhookDocument,
} from "../../generated/graphql";
import { Deliveries } from "./Deliveries";
import type { Webhook } from "./Webhooks";
import styles from "./Webhooks.module.css";
import { useWords } from "./words";

interface Outcome {
  error?: CombinedError;
}
type Payload = { userErrors: readonly { message: string }[] } | undefined;

export function WebhookItem({ webhook, onSecret }: { webhook: Webhook; onSecret: (secret: string) => void }) {
  const words = useWords();
  const names = useEventNames();
  const actions = useActions(webhook, onSecret);
  const [asked, setAsked] = useState<"rotate" | "delete">();
  const isActive = webhook.state === "ACTIVE";
  const close = () => setAsked(undefined);
  return (
    <section className={styles.webhook} aria-label={webhook.url}>
      <div>
        <h2 className={`value ${styles.url}`}>{webhook.url}</h2>
        <Health webhook={webhook} />
        <p className="small quiet">
          {words.events}: {webhook.types?.map((type) => names[type]).join(", ") ?? words.allEvents}. {words.created}{" "}
          <Instant at={webhook.createdAt} />
        </p>
      </div>
      <div className="row">
        <Button isPending={actions.isBusy} onPress={actions.test}>
          {words.test}
        </Button>
        <Button isPending={actions.isBusy} onPress={() => actions.pause(isActive)}>
          {isActive ? words.pause : words.resume}
        </Button>
        <Button isPending={actions.isBusy} onPress={() => setAsked("rotate")}>
          {words.rotate}
        </Button>
        <Button className="react-aria-Button destructive" onPress={() => setAsked("delete")}>
          {words.delete}
        </Button>
      </div>
      <p role="alert" className="danger">
        {actions.problem}
      </p>
      <Deliveries webhook={webhook} />
      <Question
        title={words.rotate}
        action={words.rotate}
        isOpen={asked === "rotate"}
        onClose={close}
        onConfirm={() => {
          close();
          actions.rotate();
        }}
      >
        <p>{words.rotateWhat}</p>
      </Question>
      <Question
        title={words.delete}
        action={words.delete}
        name={new URL(webhook.url).host}
        isOpen={asked === "delete"}
        onClose={close}
        onConfirm={() => {
          close();
          actions.remove();
        }}
      >
        <p className="value">{words.deleteWhat(webhook.url)}</p>
      </Question>
    </section>
  );
}

function Health({ webhook: { state, disabledReason, failingSince } }: { webhook: Webhook }) {
  const words = useWords();
  if (state === "PAUSED") return <p className="warning">{words.paused}</p>;
  if (state === "DISABLED")
    return <p className="danger">{disabledReason === "GONE" ? words.disabledGone : words.disabledFailing}</p>;
  if (failingSince)
    return (
      <p className="warning">
        {words.failing} <Instant at={failingSince} />
      </p>
    );
  return <p className="success">{words.active}</p>;
}

function useActions({ webhookId }: Webhook, onSecret: (secret: string) => void) {
  const { platformKey = "" } = useParams();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const [, test] = useMutation(TestWebhookDocument);
  const [, update] = useMutation(UpdateWebhookDocument);
  const [, rotate] = useMutation(RotateWebhookSecretDocument);
  const [, remove] = useMutation(DeleteWebhookDocument);
  const input = { platformKey, webhookId };

  function run<Result extends Outcome>(sent: Promise<Result>, payloadOf: (result: Result) => Payload): void {
    setBusy(true);
    void sent.then((result) => {
      const error = result.error?.graphQLErrors[0]?.message ?? result.error?.message;
      setProblem(payloadOf(result)?.userErrors[0]?.message ?? error);
      setBusy(false);
    });
  }

  return {
    isBusy,
    problem,
    test: () => run(test({ input }), ({ data }) => data?.testWebhook),
    pause: (paused: boolean) =>
      run(update({ input: { ...input, paused } }), ({ data }) => data?.updateWebhook),
    rotate: () =>
      run(rotate({ input }), ({ data }) => {
        if (data?.rotateWebhookSecret.secret) onSecret(data.rotateWebhookSecret.secret);
        return data?.rotateWebhookSecret;
      }),
    // What is deleted has no type in the result, so the cache is told.
    remove: () =>
      run(remove({ input }, { additionalTypenames: ["Webhook"] }), ({ data }) => data?.deleteWebhook),
  };
}
