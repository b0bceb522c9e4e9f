// Apollo's gateway in front of the service and of the subgraphs. Argument: the service's GraphQL address.
// Prints the gateway's address alone on a line, or what composition says against the schemas, and exits with 1.
import { composeServices } from "@apollo/composition";
import { ApolloGateway, LocalGraphQLDataSource, RemoteGraphQLDataSource } from "@apollo/gateway";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { parse } from "graphql";
import { sdlOf, subgraphs } from "../subgraphs.mjs";

const address = process.argv[2];

const local = Object.fromEntries(
  Object.entries(subgraphs).map(([name, { typeDefs, resolvers }]) => [name, { typeDefs: parse(typeDefs), resolvers }]),
);

class Service extends RemoteGraphQLDataSource {
  willSendRequest({ request, context }) {
    if (context.authorization) request.http.headers.set("Authorization", context.authorization);
  }
}

const { supergraphSdl, errors, hints } = composeServices([
  { name: "service", url: address, typeDefs: parse(await sdlOf(address)) },
  ...Object.entries(local).map(([name, { typeDefs }]) => ({ name, url: `local:${name}`, typeDefs })),
]);
if (errors?.length) {
  console.error(errors.map((error) => error.message).join("\n"));
  process.exit(1);
}
for (const hint of hints) console.error(`hint: ${hint}`);

const gateway = new ApolloGateway({
  supergraphSdl,
  buildService: ({ name }) =>
    name === "service" ? new Service({ url: address }) : new LocalGraphQLDataSource(buildSubgraphSchema(local[name])),
});
const { url } = await startStandaloneServer(new ApolloServer({ gateway }), {
  listen: { host: "127.0.0.1", port: 0 },
  context: async ({ req }) => ({ authorization: req.headers.authorization }),
});
console.log(url);
