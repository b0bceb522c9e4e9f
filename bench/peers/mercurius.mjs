// Fastify with Mercurius and its JIT: a document is compiled when it is seen for the second time.

import Fastify from "fastify";
import mercurius from "mercurius";
import { openStore, requestContext } from "./data.mjs";
import { schema } from "./schema.mjs";

const store = await openStore(process.env.BENCH_DATABASE_URL);
const app = Fastify();
await app.register(mercurius, {
  schema,
  jit: 1,
  context: (request) => requestContext(store, request.headers.authorization),
});
await app.listen({ host: "127.0.0.1", port: Number(process.env.BENCH_PORT) });
