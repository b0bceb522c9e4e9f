// The tuned servers: reads and commits are gathered over requests, and stored JSON goes into the response as it is.

import { authenticate, loaders, openStore, toUser } from "./data.mjs";
import { evaluateFlags } from "./flags.mjs";
import { counted, gather, gatherWrites } from "./gathering.mjs";
import { run } from "./operations.mjs";

const MARK = crypto.randomUUID(); // nobody who writes data can know it
const MARKED = new RegExp(`"${MARK}(\\d+)"`, "g");

/** Equal pages that are asked for in one turn are read once. */
function gatherPages(store) {
  const page = gather(async (keys) => new Map(await Promise.all(keys.map(async (key) => [key, await read(key)]))));
  const read = async (key) => (await store.members(...JSON.parse(key))).map(toUser);
  return (tenantId, limit) => page(JSON.stringify([tenantId, limit]));
}

/** Functions that answer requests, from the Authorization header and the body to the text of the response. */
export async function openServer() {
  const store = await openStore(process.env.BENCH_DATABASE_URL);
  const principals = async (ids) => new Map((await store.principals(ids)).map((row) => [row.token_id, row]));
  const principal = gather(principals, setImmediate);
  const shared = {
    ...loaders(store, (read) => gather(read)),
    members: gatherPages(store),
    patch: gatherWrites(store.patchAll),
  };

  async function graphql(authorization, body) {
    const operation = JSON.parse(body);
    const caller = await authenticate(principal, authorization);
    const texts = [];
    const metadata = (document) => MARK + (texts.push(document.metadata) - 1);
    const result = await run(operation, { ...shared, caller, metadata });
    return JSON.stringify(result).replace(MARKED, (_mark, i) => texts[i]);
  }

  async function flags(platformKey, authorization, body) {
    const caller = await authenticate(principal, authorization);
    return JSON.stringify(await evaluateFlags({ ...shared, caller }, platformKey, JSON.parse(body)));
  }

  function answering(work) {
    const refusal = ({ message }) => JSON.stringify({ errors: [{ message }] });
    return (...request) => counted(() => work(...request)).catch(refusal);
  }

  return { graphql: answering(graphql), flags: answering(flags) };
}
