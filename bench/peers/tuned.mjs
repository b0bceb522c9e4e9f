// The tuned servers: reads and commits are gathered over requests, and stored JSON goes into the response as it is.

import { authenticate, loaders, openStore, toUser } from "./data.mjs";
import { evaluateFlags } from "./flags.mjs";
import { counted, gather, gatherWrites } from "./gathering.mjs";
import { run } from "./operations.mjs";

const MARK = crypto.randomUUID(); // nobody who writes data can know it
const MARKED = new RegExp(`"${MARK}(\\d+)"`, "g");

/** Functions that answer requests, from the Authorization header and the body to the text of the response. */
export async function openServer() {
  const store = await openStore(process.env.BENCH_DATABASE_URL);
  const principal = gather(async (ids) => new Map((await store.principals(ids)).map((row) => [row.token_id, row])));
  const shared = {
    ...loaders(store, gather),
    members: async (...page) => (await store.members(...page)).map(toUser),
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
