// The tuned server on Bun.

import { openServer } from "./tuned.mjs";

const server = await openServer();
const headers = { "content-type": "application/json" };

async function graphql(request) {
  const body = await request.text();
  return new Response(await server.graphql(request.headers.get("authorization"), body), { headers });
}

async function flags(request) {
  const [body, { platform }] = [await request.text(), request.params];
  return new Response(await server.flags(platform, request.headers.get("authorization"), body), { headers });
}

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env.BENCH_PORT),
  routes: { "/graphql": { POST: graphql }, "/platforms/:platform/ofrep/v1/evaluate/flags": { POST: flags } },
});
