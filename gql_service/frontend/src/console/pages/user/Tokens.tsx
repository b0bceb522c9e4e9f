import { useState } from "react";
import { Button } from "react-aria-components";
import { useMutation, useQuery } from "urql";
import { More } from "../../components/admin/More";
import { problemOf } from "../../components/problem";
import { Instant } from "../../components/Instant";
import { Failure, Skeleton } from "../../components/State";
import { Question } from "../../components/Window";
import { useWords as useCommonWords } from "../../components/words";
import {
  RevokeAllTokensDocument,
  RevokeTokenDocument,
  UserTokensDocument,
  type UserTokensQuery,
} from "../../generated/graphql";
import { useAccountWords } from "./account-words";

type Token = NonNullable<NonNullable<UserTokensQuery["user"]>["tokens"]>["nodes"][number];

/** The access tokens of a user, which can be revoked one by one or all at once. */
export function Tokens({ username }: { username: string }) {
  const words = useAccountWords();
  const [chosen, setChosen] = useState<Token | "all" | null>(null);
  const [one, revoke] = useMutation(RevokeTokenDocument);
  const [all, revokeAll] = useMutation(RevokeAllTokensDocument);
  const confirm = () => {
    if (chosen === "all") void revokeAll({ username }, { additionalTypenames: ["AccessToken"] });
    else if (chosen) void revoke({ id: chosen.id });
    setChosen(null);
  };
  return (
    <section className="stack">
      <div className="row spread">
        <h2>{words.tokens}</h2>
        <Button className="react-aria-Button destructive" onPress={() => setChosen("all")}>
          {words.revokeAll}
        </Button>
      </div>
      <p role="alert" className="danger">
        {problemOf(one, one.data?.revokeToken.userErrors) ?? problemOf(all, all.data?.revokeTokens.userErrors)}
      </p>
      <TokenPage username={username} after={null} onRevoke={setChosen} />
      {chosen && (
        <Question
          title={chosen === "all" ? words.revokeAll : words.revokeTitle}
          action={chosen === "all" ? words.revokeAll : words.revoke}
          isOpen
          onClose={() => setChosen(null)}
          onConfirm={confirm}
        >
          <p className="value">
            {chosen === "all" ? words.revokeAllHint : words.revokeHint(chosen.label || words.noLabel)}
          </p>
        </Question>
      )}
    </section>
  );
}

interface PageProps {
  username: string;
  after: string | null;
  onRevoke: (token: Token) => void;
}

function TokenPage({ username, after, onRevoke }: PageProps) {
  const words = useAccountWords();
  const [{ data, error }, read] = useQuery({ query: UserTokensDocument, variables: { username, after } });
  const tokens = data?.user?.tokens;
  if (!tokens) {
    return error ? <Failure error={error} onRetry={() => read({ requestPolicy: "network-only" })} /> : <Skeleton />;
  }
  if (tokens.nodes.length === 0 && after === null) return <p className="quiet">{words.noTokens}</p>;
  return (
    <>
      <div className="scroll-x">
        <table className="table stacked">
          <thead>
            <tr>
              <th scope="col">{words.label}</th>
              <th scope="col">{words.created}</th>
              <th scope="col">{words.expires}</th>
              <th scope="col">{words.scopes}</th>
              <th scope="col">
                <span className="hidden-visually">{words.revoke}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {tokens.nodes.map((token) => (
              <TokenRow key={token.id} token={token} onRevoke={() => onRevoke(token)} />
            ))}
          </tbody>
        </table>
      </div>
      <More info={tokens.pageInfo}>
        {(next) => <TokenPage username={username} after={next} onRevoke={onRevoke} />}
      </More>
    </>
  );
}

function TokenRow({ token, onRevoke }: { token: Token; onRevoke: () => void }) {
  const words = useAccountWords();
  const common = useCommonWords();
  const label = token.label || words.noLabel;
  return (
    <tr>
      <td className="value">{label}</td>
      <td data-label={words.created}>
        <Instant at={token.createdAt} />
      </td>
      <td data-label={words.expires}>{token.expiresAt ? <Instant at={token.expiresAt} /> : common.never}</td>
      <td className="value small" data-label={words.scopes}>{[...token.scopes, ...(token.platformKeys ?? [])].join(", ") || words.allScopes}</td>
      <td>
        {token.revokedAt ? (
          <span className="quiet">
            {words.revoked} <Instant at={token.revokedAt} />
          </span>
        ) : (
          <Button aria-label={words.revokeOf(label)} onPress={onRevoke}>
            {words.revoke}
          </Button>
        )}
      </td>
    </tr>
  );
}
