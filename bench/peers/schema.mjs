// The part of gql_service's schema that is measured, with the resolvers that all Node and Bun servers share.

import { makeExecutableSchema } from "@graphql-tools/schema";
import { GraphQLError, GraphQLScalarType, Kind } from "graphql";
import {
  problem,
  requireAdmin,
  requireCaller,
  requireDocument,
  requirePlatform,
  requireSelf,
} from "./rules.mjs";

const MAX_ITEMS = 100;

const typeDefs = /* GraphQL */ `
  scalar Timestamp
  scalar JSONObject
  scalar _Any
  union _Entity = User

  input UserBy @oneOf {
    userId: ID
    username: String
  }
  input PatchPlatformMetadataInput {
    platformKey: String!
    username: String
    metadata: JSONObject!
  }
  type EarnedBadge {
    name: String!
    earnedAt: Timestamp!
  }
  type PlatformMetadata {
    metadata: JSONObject!
    revision: Int!
  }
  type User {
    userId: ID!
    tenantId: ID!
    username: String!
    displayName: String!
    image: String
    email: String!
    permissions: [String!]!
    badges: [EarnedBadge!]!
    platformMetadata(platformKey: String!): PlatformMetadata!
  }
  type UserConnection {
    nodes: [User!]!
  }
  type Platform {
    key: String!
    users(first: Int!): UserConnection!
  }
  type UserError {
    message: String!
  }
  type PatchPlatformMetadataPayload {
    platformMetadata: PlatformMetadata
    userErrors: [UserError!]!
  }
  type Query {
    me: User!
    user(by: UserBy!): User
    platform(key: String!): Platform
    platformMetadata(platformKey: String!, username: String): PlatformMetadata!
    _entities(representations: [_Any!]!): [_Entity]!
  }
  type Mutation {
    patchPlatformMetadata(input: PatchPlatformMetadataInput!): PatchPlatformMetadataPayload!
  }
`;

const NEVER_WRITTEN = { metadata: "{}", revision: 0 };

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function literal(node, variables) {
  switch (node.kind) {
    case Kind.OBJECT:
      return Object.fromEntries(node.fields.map((field) => [field.name.value, literal(field.value, variables)]));
    case Kind.LIST:
      return node.values.map((item) => literal(item, variables));
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.NULL:
      return null;
    case Kind.VARIABLE:
      return variables?.[node.name.value];
    default:
      return node.value;
  }
}

function objectScalar(name) {
  const parseValue = (value) => {
    if (!isObject(value)) throw new GraphQLError("A JSON object is expected.");
    return value;
  };
  const parseLiteral = (node, variables) => parseValue(literal(node, variables));
  return new GraphQLScalarType({ name, serialize: (value) => value, parseValue, parseLiteral });
}

async function findUser(context, { userId, username }) {
  const user = await (username ? context.userNamed(username) : context.user(userId));
  return user && requireCaller(context.caller).sees(user) ? user : null;
}

async function openPlatform(context, key) {
  return requirePlatform(requireCaller(context.caller), await context.platform(key));
}

async function readDocument(context, platform, user) {
  requireDocument(context.caller, platform, user);
  return (await context.document(platform.id, user.userId)) ?? NEVER_WRITTEN;
}

async function userNamed(context, platform, username) {
  if (!username || username === context.caller.username) return context.caller;
  requireAdmin(context.caller, platform.tenant_id);
  return context.userNamed(username);
}

const resolvers = {
  Timestamp: new GraphQLScalarType({ name: "Timestamp", serialize: (value) => value }),
  JSONObject: objectScalar("JSONObject"),
  _Any: objectScalar("_Any"),
  Query: {
    me: (_root, _arguments, context) => context.user(requireCaller(context.caller).userId),
    user: (_root, { by }, context) => requireCaller(context.caller) && findUser(context, by),
    platform: (_root, { key }, context) => openPlatform(context, key),
    platformMetadata: async (_root, { platformKey, username }, context) => {
      const platform = await openPlatform(context, platformKey);
      return readDocument(context, platform, await userNamed(context, platform, username));
    },
    _entities: (_root, { representations }, context) => {
      requireCaller(context.caller);
      if (representations.length > MAX_ITEMS) throw new GraphQLError("Too many representations.");
      return representations.map((each) => findUser(context, each));
    },
  },
  Mutation: {
    patchPlatformMetadata: async (_root, { input }, context) => {
      const platform = await openPlatform(context, input.platformKey);
      const user = await userNamed(context, platform, input.username);
      requireDocument(context.caller, platform, user);
      const message = problem(input.metadata);
      if (message) return { platformMetadata: null, userErrors: [{ message }] };
      const { metadata } = input;
      const write = { userId: user.userId, platform, actorId: context.caller.userId, metadata };
      return { platformMetadata: await context.patch(write), userErrors: [] };
    },
  },
  Platform: {
    users: async (platform, { first }, context) => {
      requireAdmin(context.caller, platform.tenant_id);
      if (first < 1 || first > MAX_ITEMS) throw new GraphQLError(`\`first\` is between 1 and ${MAX_ITEMS}.`);
      return { nodes: (await context.members(platform.tenant_id, first + 1)).slice(0, first) };
    },
  },
  PlatformMetadata: {
    metadata: (document, _arguments, context) => context.metadata(document),
  },
  User: {
    email: (user, _arguments, context) => requireSelf(context.caller, user) ?? user.email,
    permissions: (user, _arguments, context) => requireSelf(context.caller, user) ?? user.permissions,
    badges: (user, _arguments, context) => context.badges(user.userId),
    platformMetadata: async (user, { platformKey }, context) =>
      readDocument(context, await openPlatform(context, platformKey), user),
  },
};

export const schema = makeExecutableSchema({ typeDefs, resolvers });
