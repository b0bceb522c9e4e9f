// Composes the schema of the service, read from standard input, with its neighbours: alone, with each of them, and
// with all. Prints a JSON object: for each composer and combination, the errors and the enums that clients see.
import { readFileSync } from "node:fs";
import * as apollo from "@apollo/composition";
import * as theguild from "@theguild/federation-composition";
import * as wundergraph from "@wundergraph/composition";
import { buildASTSchema, isEnumType, parse } from "graphql";

const link = (version, imports) =>
  `extend schema @link(url: "https://specs.apollo.dev/federation/${version}", import: ${JSON.stringify(imports)})`;

const neighbours = {
  pages: `${link("v2.9", ["@key", "@shareable"])}
    type Query { books(first: Int, after: String): BookConnection! }
    type PageInfo @shareable {
      hasNextPage: Boolean!
      hasPreviousPage: Boolean!
      startCursor: String
      endCursor: String
    }
    type BookConnection { edges: [BookEdge!]! nodes: [Book!]! pageInfo: PageInfo! totalCount: Int! }
    type BookEdge { cursor: String! node: Book! }
    type Book @key(fields: "id") { id: ID! }`,
  nodes: `${link("v2.3", ["@key"])}
    type Query { node(id: ID!): Node  nodes(ids: [ID!]!): [Node]! }
    interface Node { id: ID! }
    type Shelf implements Node @key(fields: "id") { id: ID! }`,
  roles: `${link("v2.5", ["@key"])}
    directive @auth(requires: Role!) on FIELD_DEFINITION
    enum Role { READER AUTHOR }
    type Query { role: Role @auth(requires: READER) }`,
  references: `${link("v2.0", ["@key"])}
    type Query { loans: [Loan!]! }
    type Loan { at: Platform note: UserMetadata settings: PlatformMetadata by: User }
    type Platform @key(fields: "id") { id: ID! loans: Int! }
    type UserMetadata @key(fields: "id") { id: ID! remark: String }
    type PlatformMetadata @key(fields: "userId platformKey") { userId: ID! platformKey: String fee: Int! }
    type User @key(fields: "userId") { userId: ID! loans: Int! }`,
};

const subgraphs = (texts) => Object.entries(texts).map(([name, text]) => ({ name, url: `http://${name}`, text }));

/** The errors of a composer, or none and the schema that clients see. */
const composers = {
  apollo(texts) {
    const services = subgraphs(texts).map(({ text, ...rest }) => ({ ...rest, typeDefs: parse(text) }));
    const { schema, errors } = apollo.composeServices(services);
    return errors?.length ? { errors } : { schema: schema.toAPISchema().toGraphQLJSSchema() };
  },
  theguild(texts) {
    const services = subgraphs(texts).map(({ text, ...rest }) => ({ ...rest, typeDefs: parse(text) }));
    const { publicSdl, errors } = theguild.composeServices(services);
    return errors?.length ? { errors } : { schema: buildASTSchema(parse(publicSdl), { assumeValidSDL: true }) };
  },
  wundergraph(texts) {
    const services = subgraphs(texts).map(({ text, ...rest }) => ({ ...rest, definitions: parse(text) }));
    const result = wundergraph.federateSubgraphs({ subgraphs: services, version: "1" });
    return result.success ? { schema: result.federatedGraphClientSchema } : { errors: result.errors };
  },
};

const service = readFileSync(0, "utf8");
const combinations = {
  alone: {},
  ...Object.fromEntries(Object.entries(neighbours).map(([name, text]) => [name, { [name]: text }])),
  all: neighbours,
};
const results = {};
for (const [composer, compose] of Object.entries(composers)) {
  results[composer] = {};
  for (const [name, others] of Object.entries(combinations)) {
    const { errors = [], schema } = compose({ service, ...others });
    const types = schema ? Object.values(schema.getTypeMap()) : [];
    const enums = types.filter((type) => isEnumType(type) && !type.name.startsWith("__"));
    results[composer][name] = {
      errors: errors.map((error) => error.message),
      enums: Object.fromEntries(enums.map((type) => [type.name, type.getValues().map((value) => value.name)])),
      queries: schema ? Object.keys(schema.getQueryType().getFields()) : [],
    };
  }
}
console.log(JSON.stringify(results));
