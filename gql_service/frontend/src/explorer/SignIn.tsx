/** The bar above GraphiQL: who is signed in. */
import { type FormEvent, useEffect, useState } from "react";
import { finishSignIn, type Issuer, readIssuer, startSignIn } from "../shared/openid";
import { forgetToken, keepToken, keptToken } from "../shared/token";
import { type Person, whoIs } from "./client";

export interface Status {
  text: string;
  failed?: boolean;
}

interface Props {
  isSignedIn: boolean;
  status: Status;
  onStatus: (status: Status) => void;
  onSession: (session: { token: string; person: Person } | null) => void;
}

export function SignIn({ isSignedIn, status, onStatus, onSession }: Props) {
  const [busy, setBusy] = useState(false);
  const [keep, setKeep] = useState(false);
  const [token, setToken] = useState("");
  const [issuer, setIssuer] = useState<Issuer | null>(null);

  useEffect(() => {
    void attempt(async () => {
      const found = await readIssuer();
      setIssuer(found);
      const candidate = (found && (await finishSignIn(found))) ?? keptToken();
      if (candidate) await accept(candidate);
    });
  }, []);

  async function accept(candidate: string) {
    const person = await whoIs(candidate);
    onSession({ token: candidate, person });
    onStatus({ text: `Signed in as ${person.displayName} (${person.username})` });
  }

  async function attempt(action: () => Promise<void>) {
    setBusy(true);
    try {
      await action();
    } catch (error) {
      onStatus({ text: error instanceof Error ? error.message : String(error), failed: true });
    } finally {
      setBusy(false);
    }
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    if (isSignedIn) {
      forgetToken();
      onSession(null);
      onStatus({ text: "Signed out" });
      return;
    }
    const candidate = token.trim();
    if (!candidate) return;
    void attempt(async () => {
      await accept(candidate);
      setToken("");
      if (keep) keepToken(candidate);
    });
  }

  return (
    <form className="sign-in" onSubmit={submit}>
      <h1>
        gql_service explorer <a href="/console">Console</a>
        {/* In a tab of its own: the operations and the token are in this page only. */}
        <a href="/docs/" target="_blank">
          Documentation
        </a>
      </h1>
      {!isSignedIn && (
        <>
          <label htmlFor="access-token">Access token</label>
          {/* No `name`: the browser itself can then never put it in a URL. */}
          <input
            id="access-token"
            type="password"
            autoComplete="off"
            spellCheck={false}
            required
            value={token}
            onChange={(event) => setToken(event.target.value)}
          />
          <label>
            <input type="checkbox" checked={keep} onChange={(event) => setKeep(event.target.checked)} /> Keep it until
            this tab is closed
          </label>
        </>
      )}
      <button id="sign-in" type="submit" disabled={busy}>
        {isSignedIn ? "Sign out" : "Sign in"}
      </button>
      {issuer && !isSignedIn && (
        <button
          id="openid-sign-in"
          type="button"
          disabled={busy}
          onClick={() => void attempt(() => startSignIn(issuer))}
        >
          Sign in at {new URL(issuer.issuer).host}
        </button>
      )}
      <output id="signed-in-as" aria-live="polite" className={status.failed ? "failed" : undefined}>
        {status.text}
      </output>
    </form>
  );
}
