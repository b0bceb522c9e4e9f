// Reads a session, changes a setting, asks for a flag, and follows the settings of a user.
//
//     npm ci && npx tsc && TOKEN=upm_… node dist/client.js http://127.0.0.1:8000 acme-corp new-checkout
//
// It prints what it gets as lines of JSON, until it is interrupted.
import { createClient } from "graphql-sse";

interface Session {
  id: string;
  tenantId: string;
}
interface Settings {
  revision: number;
  metadata: Record<string, unknown>;
}
interface Change {
  revision: number;
  changedKeys: string[];
  resync: boolean;
  platformMetadata: Settings;
}
interface Evaluation {
  value?: unknown;
  reason: string;
  variant?: string;
}

const [base, platformKey, flag] = process.argv.slice(2);
const token = process.env["TOKEN"];
if (!base || !platformKey || !flag || !token) throw new Error("Usage: TOKEN=… client.js URL PLATFORM FLAG");
const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };

async function post<Data>(path: string, body: object): Promise<Data> {
  const response = await fetch(base + path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as Data;
}

async function ask<Data>(query: string, variables: object = {}): Promise<Data> {
  const { data, errors } = await post<{ data?: Data; errors?: unknown }>("/graphql", { query, variables });
  if (!data || errors) throw new Error(JSON.stringify(errors));
  return data;
}

async function readSettings(): Promise<Settings> {
  const query = "query ($key: String!) { platformMetadata(platformKey: $key) { revision metadata } }";
  return (await ask<{ platformMetadata: Settings }>(query, { key: platformKey })).platformMetadata;
}

/** Change settings by what they are now. If somebody else writes in between, nothing is overwritten: try again. */
async function update(change: (metadata: Settings["metadata"]) => Settings["metadata"]): Promise<Settings> {
  const query = `mutation ($input: PatchPlatformMetadataInput!) {
    patchPlatformMetadata(input: $input) { platformMetadata { revision metadata } userErrors { code message } } }`;
  for (let attempt = 0; attempt < 10; attempt++) {
    const { revision, metadata } = await readSettings();
    const input = { platformKey, expectedRevision: revision, metadata: change(metadata) };
    const { patchPlatformMetadata: payload } = await ask<{
      patchPlatformMetadata: { platformMetadata: Settings | null; userErrors: { code: string; message: string }[] };
    }>(query, { input });
    if (payload.platformMetadata) return payload.platformMetadata;
    const [error] = payload.userErrors;
    if (error?.code !== "REVISION_CONFLICT") throw new Error(error?.message);
  }
  throw new Error("The settings are changed all the time.");
}

const evaluate = (userId: string) =>
  post<Evaluation>(`/platforms/${platformKey}/ofrep/v1/evaluate/flags/${flag}`, { context: { targetingKey: userId } });

/** Call back with each change after a revision: once, in order, also after the connection was lost. */
async function follow(revision: number, onChange: (change: Change) => void): Promise<void> {
  let isRefused = false;
  const client = createClient({
    url: `${base}/graphql`,
    headers: { Authorization: `Bearer ${token}` },
    fetchFn: async (url: string, options: RequestInit) => {
      const response = await fetch(url, options);
      isRefused = response.status >= 400 && response.status < 500;
      return response;
    },
    retryAttempts: Infinity,
    retry: async (retries) => {
      if (isRefused) throw new Error("The server refuses to let us follow.");
      await new Promise((resolve) => setTimeout(resolve, Math.min(100 * 2 ** retries, 30_000) * Math.random()));
    },
  });
  const query = `subscription ($key: String!, $since: Int!) {
    platformMetadataChanged(platformKey: $key, sinceRevision: $since) {
      revision changedKeys resync platformMetadata { revision metadata } } }`;
  // The variables are read anew for each connection.
  const variables = {
    key: platformKey,
    get since() {
      return revision;
    },
  };
  for await (const { data, errors } of client.iterate<{ platformMetadataChanged: Change }>({ query, variables })) {
    if (!data || errors) throw new Error(JSON.stringify(errors));
    onChange(data.platformMetadataChanged);
    revision = data.platformMetadataChanged.revision;
  }
}

const print = (line: object) => console.log(JSON.stringify(line));

const { session } = await ask<{ session: Session }>("{ session { id tenantId } }");
print({ session });
const settings = await update(({ visits }) => ({ visits: typeof visits === "number" ? visits + 1 : 1 }));
print({ settings });
print({ flag: await evaluate(session.id) });
await follow(settings.revision, (change) => print({ change }));
