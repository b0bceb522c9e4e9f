// Runs operations through a documented cache, from the file `configuration.mjs` beside this one. Argument: its name.
// Standard input: `{ url, token, operations: [{ query, variables }] }`, sent in this order. Prints the warnings of the
// cache, and what it alone returns for each query in the end.
import { ApolloClient, HttpLink } from "@apollo/client/core";
import { Client, fetchExchange } from "@urql/core";
import { parse } from "graphql";
import { readFileSync } from "node:fs";
import { apolloCache, graphcache } from "./configuration.mjs";

const { url, token, operations } = JSON.parse(readFileSync(0, "utf8"));
const headers = { Authorization: `Bearer ${token}` };
const isMutation = (query) => query.startsWith("mutation");

const warnings = [];
for (const level of ["warn", "error", "log", "info"]) {
  console[level] = (...parts) => warnings.push(parts.map(String).join(" "));
}

const clients = {
  apollo() {
    const client = new ApolloClient({ cache: apolloCache(), link: new HttpLink({ uri: url, headers }) });
    return {
      async send({ query, variables }) {
        if (isMutation(query)) await client.mutate({ mutation: parse(query), variables });
        else await client.query({ query: parse(query), variables, fetchPolicy: "network-only" });
      },
      read: ({ query, variables }) => client.readQuery({ query: parse(query), variables }),
    };
  },
  urql() {
    const client = new Client({
      url,
      preferGetMethod: false,
      fetchOptions: { headers },
      exchanges: [graphcache(), fetchExchange],
    });
    return {
      async send({ query, variables }) {
        const operation = isMutation(query)
          ? client.mutation(query, variables)
          : client.query(query, variables, { requestPolicy: "network-only" });
        const { error } = await operation.toPromise();
        if (error) throw error;
      },
      read: ({ query, variables }) => client.readQuery(query, variables, { requestPolicy: "cache-only" })?.data ?? null,
    };
  },
};

const client = clients[process.argv[2]]();
for (const operation of operations) await client.send(operation);
const found = operations.filter(({ query }) => !isMutation(query)).map(client.read);
process.stdout.write(JSON.stringify({ warnings, found }));
