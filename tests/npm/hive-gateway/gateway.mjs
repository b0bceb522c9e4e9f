// Hive Gateway in front of the service and of the subgraphs. Argument: the service's GraphQL address.
// Prints the gateway's address alone on a line, or what composition says against the schemas, and exits with 1.
// The package `@graphql-hive/gateway` is a command around this runtime, with 500 MB of plugins that are not needed here.
import { createServer } from "node:http";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { createGatewayRuntime, useCustomFetch, usePropagateHeaders } from "@graphql-hive/gateway-runtime";
import { composeServices } from "@theguild/federation-composition";
import { graphql, parse } from "graphql";
import { sdlOf, subgraphs } from "../subgraphs.mjs";

const address = process.argv[2];
const local = Object.fromEntries(
  Object.entries(subgraphs).map(([name, { typeDefs, resolvers }]) => [
    `http://${name}.local/`,
    { name, typeDefs: parse(typeDefs), resolvers },
  ]),
);
const schemas = Object.fromEntries(Object.entries(local).map(([url, each]) => [url, buildSubgraphSchema(each)]));

/** Executes requests to the subgraphs in this process, and sends all others. */
async function fetchOrExecute(url, options, context) {
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

const gateway = createGatewayRuntime({
  supergraph: supergraphSdl,
  graphqlEndpoint: "/",
  landingPage: false,
  plugins: () => [useCustomFetch(fetchOrExecute)],
  propagateHeaders: { fromClientToSubgraphs: ({ request }) => ({ authorization: request.headers.get("authorization") }) },
});
const server = createServer(gateway);
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
