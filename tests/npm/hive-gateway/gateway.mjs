// Hive Gateway in front of the service and of the subgraphs. Arguments: the service's GraphQL address, and `websocket`
// if subscriptions are to reach the service by a WebSocket instead of server-sent events.
// Prints the gateway's address alone on a line, or what composition says against the schemas, and exits with 1.
// The package `@graphql-hive/gateway` is a command around this runtime, with 500 MB of plugins that are not needed here.
import { createServer } from "node:http";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { createGatewayRuntime, useCustomFetch, usePropagateHeaders } from "@graphql-hive/gateway-runtime";
import { composeServices } from "@theguild/federation-composition";
import { graphql, parse } from "graphql";
import { sdlOf, subgraphs } from "../subgraphs.mjs";

const [address, transport] = process.argv.slice(2);
const usesWebSocket = transport === "websocket";
const local = Object.fromEntries(
  Object.entries(subgraphs).map(([name, { typeDefs, resolvers }]) => [
    `http://${name}.local/`,
    { name, typeDefs: parse(typeDefs), resolvers },
  ]),
);
const schemas = Object.fromEntries(Object.entries(local).map(([url, each]) => [url, buildSubgraphSchema(each)]));

/** Executes requests to the subgraphs in this process, and sends all others. */
async function fetchOrExecute(url, options, context) {
  if (usesWebSocket && options.headers.accept === "text/event-stream") throw new Error("it was not sent by WebSocket");
  if (!(url in schemas)) return fetch(url, options);
  const { query, variables } = JSON.parse(options.body);
  return Response.json(await graphql({ schema: schemas[url], source: query, variableValues: variables }));
}

const { supergraphSdl, errors } = composeServices([
  { name: "service", url: address, typeDefs: parse(await sdlOf(address)) },
  ...Object.entries(local).map(([url, { name, typeDefs }]) => ({ name, url, typeDefs })),
]);
if (errors?.length) {
  console.error(errors.map((error) => error.message).join("\n"));
  process.exit(1);
}

const webSocket = {
  kind: "ws",
  location: address,
  options: { connectionParams: { Authorization: "{context.headers.authorization}" } },
};

const gateway = createGatewayRuntime({
  supergraph: supergraphSdl,
  graphqlEndpoint: "/",
  landingPage: false,
  transportEntries: usesWebSocket ? { service: { options: { subscriptions: webSocket } } } : {},
  plugins: () => [useCustomFetch(fetchOrExecute)],
  propagateHeaders: { fromClientToSubgraphs: ({ request }) => ({ authorization: request.headers.get("authorization") }) },
});
const server = createServer(gateway);
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
