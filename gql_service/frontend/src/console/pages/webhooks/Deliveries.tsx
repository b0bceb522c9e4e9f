/** What a webhook has sent lately, what was answered, and how to send it again. */
import { Button } from "react-aria-components";
import { useParams } from "react-router";
import { useMutation } from "urql";
import { Instant } from "../../components/Instant";
import { RedeliverDocument, type WebhookDeliveryState } from "../../generated/graphql";
import type { Webhook } from "./Webhooks";
import styles from "./Webhooks.module.css";
import { useWords } from "./words";

type Delivery = NonNullable<Webhook["deliveries"]>["nodes"][number];
const LOOKS: Record<WebhookDeliveryState, string> = { PENDING: "warning", DELIVERED: "success", FAILED: "danger" };

export function Deliveries({ webhook: { webhookId, deliveries } }: { webhook: Webhook }) {
  const words = useWords();
  const { platformKey = "" } = useParams();
  const [{ data, error, fetching }, redeliver] = useMutation(RedeliverDocument);
  const all = deliveries?.nodes ?? [];
  if (all.length === 0) return <p className="quiet">{words.noDeliveries}</p>;
  return (
    <>
      <h3>{words.deliveries}</h3>
      <p role="alert" className="danger">
        {data?.redeliver.userErrors[0]?.message ?? error?.graphQLErrors[0]?.message ?? error?.message}
      </p>
        <table className={`table ${styles.deliveries}`}>
          <thead>
            <tr>
              <th scope="col">{words.state}</th>
              <th scope="col">{words.when}</th>
              <th scope="col">{words.answer}</th>
              <th scope="col">
                <span className="hidden-visually">{words.repeat}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {all.map((delivery) => (
              <tr key={delivery.deliveryId}>
                <td>
                  <span className={LOOKS[delivery.state]}>{words.deliveryStates[delivery.state]}</span>
                  {delivery.isTest && <span className="quiet"> {words.isTest}</span>}
                </td>
                <td>
                  <When delivery={delivery} />
                </td>
                <td className={styles.answer}>
                  <Answer delivery={delivery} />
                </td>
                <td>
                  <Button
                    isPending={fetching}
                    isDisabled={delivery.state === "PENDING"}
                    aria-label={words.repeatOf(delivery.deliveryId)}
                    onPress={() =>
                      void redeliver({ input: { platformKey, webhookId, deliveryId: delivery.deliveryId } })
                    }
                  >
                    {words.repeat}
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
    </>
  );
}

function When({ delivery: { attemptedAt, createdAt, attempts, nextAt } }: { delivery: Delivery }) {
  const words = useWords();
  return (
    <>
      <Instant at={attemptedAt ?? createdAt} />
      <div className="small quiet">
        {words.attempts(attempts)}
        {nextAt && (
          <>
            , {words.nextAt} <Instant at={nextAt} />
          </>
        )}
      </div>
    </>
  );
}

function Answer({ delivery: { status, error, response } }: { delivery: Delivery }) {
  const words = useWords();
  return (
    <>
      {status ?? (error ? "" : <span className="quiet">{words.noResponse}</span>)}{" "}
      {error && <code className="danger">{error}</code>}
      {response && (
        <details>
          <summary>{words.response}</summary>
          <pre className="value">{response}</pre>
        </details>
      )}
    </>
  );
}
