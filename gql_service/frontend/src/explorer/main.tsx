import "graphiql/setup-workers/vite";
import { GraphiQL } from "graphiql";
import { useCallback, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import { createFetcher, type Person } from "./client";
import { FIRST_QUERY } from "./examples";
// JSON Schemas of our scalars: without them, GraphiQL marks objects and lists in variables as errors.
// JSON is spelled out, because `{}` makes null match twice where the variable is nullable.
import scalarSchemas from "./scalars.json";
import { SignIn, type Status } from "./SignIn";
import { storage } from "./storage";
import { CopyAsCurl, Examples } from "./Tools";
// Instead of graphiql/style.css, which repeats Monaco's styles and embeds Roboto.
import "@graphiql/react/font/fira-code.css";
import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "./style.css";
import "./theme";

function Explorer() {
  // Unless the user asks to keep the token for this tab, this is the only place that holds it: a reload forgets it.
  const [session, setSession] = useState<{ token: string; person: Person } | null>(null);
  const [status, setStatus] = useState<Status>({ text: "Not signed in" });
  const token = session?.token ?? null;
  // A new fetcher makes GraphiQL read the schema again, as the new user sees it.
  const fetcher = useMemo(() => createFetcher(token), [token]);
  const onStatus = useCallback((text: string, failed = false) => setStatus({ text, failed }), []);

  return (
    <>
      <SignIn isSignedIn={session !== null} status={status} onStatus={setStatus} onSession={setSession} />
      <main>
        <GraphiQL
          fetcher={fetcher}
          storage={storage}
          defaultQuery={FIRST_QUERY}
          customScalarSchemas={scalarSchemas}
          shouldPersistHeaders={false}
          showPersistHeadersSettings={false}
        >
          <GraphiQL.Toolbar>
            {({ prettify, copy, merge }) => (
              <>
                {prettify}
                {merge}
                {copy}
                <CopyAsCurl token={token} onStatus={onStatus} />
                <Examples platformKey={session?.person.platformKey ?? null} />
              </>
            )}
          </GraphiQL.Toolbar>
        </GraphiQL>
      </main>
    </>
  );
}

const root = document.getElementById("root");
if (!root) throw new Error("The page has no element with the id root.");
createRoot(root).render(<Explorer />);
