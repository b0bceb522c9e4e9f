// The part of gql_service's schema that is measured, with the resolvers that both Node servers share.

import { makeExecutableSchema } from "@graphql-tools/schema";
import { GraphQLError, GraphQLScalarType, Kind } from "graphql";
import { toUser } from "./data.mjs";
import {
  problem,
  requireAdmin,
  requireCaller,
  requireDocument,
  requirePlatform,
  requireSelf,
  seesUser,
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

const NEVER_WRITTEN = { metadata: {}, revision: 0 };

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
  const user = await (username ? context.userNamed.load(username) : context.user.load(userId));
  return user && seesUser(requireCaller(context.caller), user) ? user : null;
}

async function openPlatform(context, key) {
  return requirePlatform(requireCaller(context.caller), await context.platform.load(key));
}

async function readDocument(context, user, platformKey) {
  const platform = await openPlatform(context, platformKey);
  requireDocument(context.caller, platform, user);
  return (await context.document(platform.id, user.userId)) ?? NEVER_WRITTEN;
}

function self(caller) {
  return { userId: caller.id, tenantIds: caller.tenantIds };
}

async function userNamed(context, platform, username) {
  if (!username || username === context.caller.username) return self(context.caller);
  requireAdmin(context.caller, platform.tenantId);
  return context.userNamed.load(username);
}

const resolvers = {
  Timestamp: new GraphQLScalarType({ name: "Timestamp", serialize: (value) => value }),
  JSONObject: objectScalar("JSONObject"),
  _Any: objectScalar("_Any"),
  Query: {
    me: (_root, _arguments, context) => context.user.load(requireCaller(context.caller).id),
    user: (_root, { by }, context) => requireCaller(context.caller) && findUser(context, by),
    platform: (_root, { key }, context) => openPlatform(context, key),
    platformMetadata: async (_root, { platformKey, username }, context) => {
      const platform = await openPlatform(context, platformKey);
      return readDocument(context, await userNamed(context, platform, username), platformKey);
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
      const platformMetadata = await context.store.patch(user.userId, platform.id, input.metadata);
      return { platformMetadata, userErrors: [] };
    },
  },
  Platform: {
    users: async (platform, { first }, context) => {
      requireAdmin(context.caller, platform.tenantId);
      if (first < 1 || first > MAX_ITEMS) throw new GraphQLError(`\`first\` is between 1 and ${MAX_ITEMS}.`);
      const rows = await context.store.members(platform.tenantId, first + 1);
      return { nodes: rows.slice(0, first).map(toUser) };
    },
  },
  User: {
    email: (user, _arguments, context) => requireSelf(context.caller, user) ?? user.email,
    permissions: (user, _arguments, context) => requireSelf(context.caller, user) ?? user.permissions,
    badges: (user, _arguments, context) => context.badges.load(user.userId),
    platformMetadata: (user, { platformKey }, context) => readDocument(context, user, platformKey),
  },
};

export const schema = makeExecutableSchema({ typeDefs, resolvers });
