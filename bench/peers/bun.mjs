// Bun's own server with graphql-jit: otherwise as the servers on Node.

import { openStore, requestContext } from "./data.mjs";
import { evaluateFlags } from "./flags.mjs";
import { run } from "./operations.mjs";

const store = await openStore(process.env.BENCH_DATABASE_URL);

function contextOf(request) {
  return requestContext(store, request.headers.get("authorization"));
}

async function graphql(request) {
  const [operation, context] = await Promise.all([request.json(), contextOf(request)]);
  return Response.json(await run(operation, context));
}

async function flags(request) {
  const [body, context] = await Promise.all([request.json(), contextOf(request)]);
  return Response.json(await evaluateFlags(context, request.params.platform, body));
}

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env.BENCH_PORT),
  routes: { "/graphql": { POST: graphql }, "/platforms/:platform/ofrep/v1/evaluate/flags": { POST: flags } },
});
