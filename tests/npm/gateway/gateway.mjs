// Apollo's gateway in front of the service and of four small subgraphs. Argument: the service's GraphQL address.
// Prints the gateway's address alone on a line, or what composition says against the schemas, and exits with 1.
import { composeServices } from "@apollo/composition";
import { ApolloGateway, LocalGraphQLDataSource, RemoteGraphQLDataSource } from "@apollo/gateway";
import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { parse } from "graphql";

const address = process.argv[2];
const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])`;

const orders = {
  typeDefs: `${LINK}
    type Query {
      orders(buyers: [ID!]!, platformKey: String!): [Order!]!
    }
    type Order {
      number: Int!
      buyer: User
      platform: Platform
      metadata: PlatformMetadata
    }
    type User @key(fields: "userId") {
      userId: ID!
      orders: [String!]!
    }
    type Platform @key(fields: "key") {
      key: String!
      orderCount: Int!
    }
    type PlatformMetadata @key(fields: "id") {
      id: ID!
      invoice: String!
    }`,
  resolvers: {
    Query: {
      orders: (_, { buyers, platformKey }) =>
        buyers.map((userId, number) => ({
          number,
          buyer: { userId },
          platform: { key: platformKey },
          metadata: { id: btoa(`PlatformMetadata:${userId}:${platformKey}`) },
        })),
    },
    User: { orders: ({ userId }) => [`first of ${userId}`, `second of ${userId}`] },
    Platform: { orderCount: ({ key }) => key.length },
    PlatformMetadata: { invoice: ({ id }) => `invoice for ${id}` },
  },
};

// A subgraph that knows platforms and entries by their global ids, and documents by their owner and platform.
const loans = {
  typeDefs: `${LINK}
    type Query { loan(of: ID!, platformKey: String): Loan! }
    type Loan { at: Platform settings: PlatformMetadata note: UserMetadata }
    type Platform @key(fields: "id") { id: ID! }
    type UserMetadata @key(fields: "id") { id: ID! }
    type PlatformMetadata @key(fields: "userId platformKey") { userId: ID! platformKey: String }`,
  resolvers: {
    Query: {
      loan: (_, { of, platformKey }) => ({
        at: { id: btoa(`Platform:${platformKey}`) },
        settings: { userId: of, platformKey: platformKey ?? null },
        note: { id: btoa(`UserMetadata:${of}:${platformKey ?? ""}:note`) },
      }),
    },
  },
};

// Subgraphs that know a user by another key only, so that no other key can be used to find them.
const knowing = (key, type, field) => ({
  typeDefs: `${LINK}
    type Query { ${field}(of: ${type}): User }
    type User @key(fields: "${key}") { ${key}: ${type} }`,
  resolvers: { Query: { [field]: (_, { of }) => ({ [key]: of }) } },
});

const local = Object.fromEntries(
  Object.entries({
    orders,
    loans,
    mail: knowing("username", "String!", "addressee"),
    relay: knowing("id", "ID!", "author"),
  }).map(([name, { typeDefs, resolvers }]) => [name, { typeDefs: parse(typeDefs), resolvers }]),
);

async function ownSdl() {
  const response = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query: "{ _service { sdl } }" }),
  });
  return (await response.json()).data._service.sdl;
}

class Service extends RemoteGraphQLDataSource {
  willSendRequest({ request, context }) {
    if (context.authorization) request.http.headers.set("Authorization", context.authorization);
  }
}

const { supergraphSdl, errors, hints } = composeServices([
  { name: "service", url: address, typeDefs: parse(await ownSdl()) },
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
