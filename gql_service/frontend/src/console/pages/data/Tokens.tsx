/** The viewer's access tokens: which there are, making one, revoking one. */
import { Plus } from "lucide-react";
import { useState } from "react";
import { Button } from "react-aria-components";
import { useMutation, useQuery } from "urql";
import { now } from "../../components/clock";
import { Day, Instant } from "../../components/Instant";
import { Secret } from "../../components/Secret";
import { Failure, Skeleton, useMessageOf } from "../../components/State";
import { Question } from "../../components/Window";
import { useWords as useCommonWords } from "../../components/words";
import { RevokeTokenDocument, TokensDocument, type TokensQuery } from "../../generated/graphql";
import { useSession } from "../../session";
import styles from "./Data.module.css";
import { NewToken } from "./NewToken";
import { useWords } from "./words";

type Token = NonNullable<TokensQuery["me"]["tokens"]>["nodes"][number];

export function Tokens() {
  const words = useWords();
  const [isMaking, setMaking] = useState(false);
  const [secret, setSecret] = useState<string>();
  const [after, setAfter] = useState<string | null>(null);
  const [{ data, error }, read] = useQuery({ query: TokensDocument, variables: { after } });
  const page = data?.me.tokens;
  return (
    <section className="stack">
      <div className="row spread">
        <h2>{words.tokens}</h2>
        <Button className="react-aria-Button primary" onPress={() => setMaking(true)}>
          <Plus aria-hidden size={16} />
          {words.make}
        </Button>
      </div>
      <p>{words.tokensText}</p>
      {error && !page ? (
        <Failure error={error} onRetry={() => read({ requestPolicy: "network-only" })} />
      ) : !page ? (
        <Skeleton />
      ) : (
        <TokenTable tokens={page.nodes} />
      )}
      {page?.pageInfo.hasNextPage && (
        <Button onPress={() => setAfter(page.pageInfo.endCursor ?? null)}>{words.later}</Button>
      )}
      {after !== null && <Button onPress={() => setAfter(null)}>{words.earliest}</Button>}
      {isMaking && <NewToken onClose={() => setMaking(false)} onMade={setSecret} />}
      <Secret
        title={words.made}
        hint={words.once}
        value={isMaking ? undefined : secret}
        onClose={() => setSecret(undefined)}
      />
    </section>
  );
}

function TokenTable({ tokens }: { tokens: readonly Token[] }) {
  const words = useWords();
  if (tokens.length === 0) return <p className="quiet">{words.noTokens}</p>;
  return (
    <div className="scroll-x">
      <table className={`table stacked ${styles.tokens}`}>
        <thead>
          <tr>
            <th>{words.label}</th>
            <th>{words.scopes}</th>
            <th>{words.created}</th>
            <th>{words.expires}</th>
            <th>
              <span className="hidden-visually">{words.revoke}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tokens.map((token) => (
            <TokenRow key={token.id} token={token} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function TokenRow({ token }: { token: Token }) {
  const words = useWords();
  const { token: current } = useSession();
  const isCurrent = current?.split("_")[1] === token.id;
  return (
    <tr>
      <td>
        <span className="value">{token.label || words.noLabel}</span>
        <br />
        <code className="quiet">{token.id}</code>
        {isCurrent && <p className="success small">{words.current}</p>}
      </td>
      <td className="small" data-label={words.scopes}>
        {token.scopes.map((scope) => words.scopeNames[scope]).join(", ")}
        {token.platformKeys && <p className="quiet value">{words.onlyOn(token.platformKeys.join(", "))}</p>}
      </td>
      <td data-label={words.created}>
        <Instant at={token.createdAt} />
      </td>
      <td data-label={words.expires}>
        <Ending token={token} />
      </td>
      <td>{isValid(token) && <Revoke token={token} isCurrent={isCurrent} />}</td>
    </tr>
  );
}

const isValid = ({ revokedAt, expiresAt }: Token) =>
  !revokedAt && (!expiresAt || Date.parse(expiresAt) > now());

function Ending({ token }: { token: Token }) {
  const words = useWords();
  const { never } = useCommonWords();
  if (token.revokedAt) {
    return (
      <span className="quiet">
        {words.revoked} <Instant at={token.revokedAt} />
      </span>
    );
  }
  if (!token.expiresAt) return never;
  return isValid(token) ? (
    <Day at={token.expiresAt} />
  ) : (
    <span className="quiet">
      {words.expired} <Instant at={token.expiresAt} />
    </span>
  );
}

function Revoke({ token, isCurrent }: { token: Token; isCurrent: boolean }) {
  const words = useWords();
  const [isAsking, setAsking] = useState(false);
  const messageOf = useMessageOf();
  const [{ data, error, fetching }, revoke] = useMutation(RevokeTokenDocument);
  const problem = data?.revokeToken.userErrors[0]?.message ?? (error && messageOf(error));
  const name = token.label || token.id;
  return (
    <>
      <Button isDisabled={fetching} aria-label={words.revokeOne(name)} onPress={() => setAsking(true)}>
        {words.revoke}
      </Button>
      <p role="alert" className="danger small">
        {problem}
      </p>
      <Question
        title={words.revokeOne(name)}
        action={words.revoke}
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        onConfirm={() => {
          setAsking(false);
          void revoke({ id: token.id });
        }}
      >
        <p>{isCurrent ? words.revokeCurrent : words.revokeText}</p>
      </Question>
    </>
  );
}
