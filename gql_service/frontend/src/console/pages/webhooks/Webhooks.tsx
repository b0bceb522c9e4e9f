/** The webhooks of a platform: whether they work, and what they have sent. */
import { useEffect, useMemo, useState } from "react";
import { Button } from "react-aria-components";
import { useParams } from "react-router";
import { useQuery } from "urql";
import { Secret } from "../../components/Secret";
import { Empty, Failure, Skeleton } from "../../components/State";
import { WebhooksDocument, type WebhooksQuery } from "../../generated/graphql";
import { Create } from "./Create";
import { WebhookItem } from "./WebhookItem";
import { useWords } from "./words";

export type Webhook = NonNullable<NonNullable<WebhooksQuery["platform"]>["webhooks"]>[number];
/** How often deliveries that wait are looked at, in milliseconds. */
const PERIOD = 2000;

export default function Webhooks() {
  const words = useWords();
  const { platformKey = "" } = useParams();
  const [isCreating, setCreating] = useState(false);
  const [secret, setSecret] = useState<string>();
  // Lists that are empty name no types, so the cache is told what they depend on.
  const context = useMemo(() => ({ additionalTypenames: ["Webhook", "WebhookDelivery"] }), []);
  const [{ data, error }, read] = useQuery({ query: WebhooksDocument, variables: { platformKey }, context });
  const webhooks = data?.platform?.webhooks;

  const isWaiting = webhooks?.some(hasNews) ?? false;
  useEffect(() => {
    if (!isWaiting) return;
    const timer = setInterval(() => document.hidden || read({ requestPolicy: "network-only" }), PERIOD);
    return () => clearInterval(timer);
  }, [isWaiting, read]);

  return (
    <article className="stack">
      <div className="row spread">
        <div>
          <h1>{words.title}</h1>
          <p className="quiet">{words.intro}</p>
        </div>
        <Button className="react-aria-Button primary" onPress={() => setCreating(true)}>
          {words.create}
        </Button>
      </div>
      {error && !webhooks ? (
        <Failure error={error} onRetry={() => read({ requestPolicy: "network-only" })} />
      ) : !webhooks ? (
        <Skeleton lines={4} />
      ) : webhooks.length === 0 ? (
        <Empty>{words.empty}</Empty>
      ) : (
        webhooks.map((webhook) => <WebhookItem key={webhook.webhookId} webhook={webhook} onSecret={setSecret} />)
      )}
      {isCreating && <Create onClose={() => setCreating(false)} onSecret={setSecret} />}
      <Secret
        title={words.secretTitle}
        hint={words.secretWhat}
        value={isCreating ? undefined : secret}
        onClose={() => setSecret(undefined)}
      />
    </article>
  );
}

/** Whether something is about to be sent, so that there will be something new to see. */
function hasNews({ state, deliveries }: Webhook): boolean {
  return state === "ACTIVE" && (deliveries?.nodes.some((each) => each.state === "PENDING") ?? false);
}
