import "graphiql/setup-workers/vite";
import { GraphiQL } from "graphiql";
import { useEffect, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import { createFetcher, whoIs } from "./client.js";
import { finishSignIn, readIssuer, startSignIn } from "../shared/openid.ts";
// JSON Schemas of our scalars: without them, GraphiQL marks objects and lists in variables as errors.
// JSON is spelled out, because `{}` makes null match twice where the variable is nullable.
import scalarSchemas from "./scalars.json";
import { storage } from "./storage.js";
// Instead of graphiql/style.css, which repeats Monaco's styles and embeds Roboto.
import "@graphiql/react/font/fira-code.css";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "./style.css";

const FIRST_QUERY = `# Sign in above, then press Ctrl+Enter.
# "me" is the access token's owner.

query Me {
  me {
    id
    username
    displayName
    badges {
      name
      earnedAt
    }
  }
}

# Ctrl+Space completes names. Also try:
#
# query Metadata {
#   platformMetadata(platformKey: "acme-corp") {
#     metadata
#     revision
#   }
# }
`;

function SignIn({ token, onToken }) {
  const [status, setStatus] = useState({ text: "Not signed in" });
  const [busy, setBusy] = useState(false);
  const [issuer, setIssuer] = useState(null);

  useEffect(() => {
    attempt(async () => {
      const found = await readIssuer();
      setIssuer(found);
      const candidate = found && (await finishSignIn(found));
      if (candidate) await accept(candidate);
    });
  }, []);

  async function accept(candidate) {
    const { displayName, username } = await whoIs(candidate);
    onToken(candidate);
    setStatus({ text: `Signed in as ${displayName} (${username})` });
  }

  async function attempt(action) {
    setBusy(true);
    try {
      await action();
    } catch (error) {
      setStatus({ text: error.message, failed: true });
    } finally {
      setBusy(false);
    }
  }

  async function submit(event) {
    event.preventDefault();
    if (token) {
      onToken(null);
      setStatus({ text: "Signed out" });
      return;
    }
    const candidate = event.target.elements["access-token"].value.trim();
    if (candidate) await attempt(() => accept(candidate));
  }

  return (
    <form className="sign-in" onSubmit={submit}>
      <h1>gql_service explorer</h1>
      {!token && <label htmlFor="access-token">Access token</label>}
      {!token && (
        // No `name`: the browser itself can then never put it in a URL.
        <input id="access-token" type="password" autoComplete="off" spellCheck={false} required />
      )}
      <button id="sign-in" type="submit" disabled={busy}>
        {token ? "Sign out" : "Sign in"}
      </button>
      {issuer && !token && (
        <button id="openid-sign-in" type="button" disabled={busy} onClick={() => attempt(() => startSignIn(issuer))}>
          Sign in at {new URL(issuer.issuer).host}
        </button>
      )}
      <output id="signed-in-as" aria-live="polite" className={status.failed ? "failed" : undefined}>
        {status.text}
      </output>
    </form>
  );
}

function Explorer() {
  // React state is the only place that holds the token: a reload forgets it.
  const [token, setToken] = useState(null);
  // A new fetcher makes GraphiQL read the schema again, as the new user sees it.
  const fetcher = useMemo(() => createFetcher(token), [token]);

  return (
    <>
      <SignIn token={token} onToken={setToken} />
      <main>
        <GraphiQL
          fetcher={fetcher}
          storage={storage}
          defaultQuery={FIRST_QUERY}
          customScalarSchemas={scalarSchemas}
          shouldPersistHeaders={false}
          showPersistHeadersSettings={false}
        />
      </main>
    </>
  );
}

createRoot(document.getElementById("root")).render(<Explorer />);
