// Four small subgraphs beside the service, for the gateways: `typeDefs` and `resolvers` by name.
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

export const subgraphs = {
  orders,
  loans,
  mail: knowing("username", "String!", "addressee"),
  relay: knowing("id", "ID!", "author"),
};

// The schema of the subgraph at a GraphQL address.
export async function sdlOf(address) {
  const response = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query: "{ _service { sdl } }" }),
  });
  return (await response.json()).data._service.sdl;
}
