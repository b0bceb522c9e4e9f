// The clients under test, by name. Each subscribes with an operation and an observer whose `error` gets a description
// of what has happened: `codes` of GraphQL errors, the code of a `close` frame, or an HTTP `status`.
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient as createSseClient } from "graphql-sse";
import { createClient as createWsClient } from "graphql-ws";
import { pipe, subscribe } from "wonka";
import WebSocket from "ws";

globalThis.WebSocket ??= WebSocket; // Node 20 has none, and Apollo's link asks it for constants

const codes = (errors) => ({ codes: errors.map(({ extensions }) => extensions.code) });

function describe(error) {
  if (Array.isArray(error)) return codes(error);
  const status = error.response?.status;
  if (status) return { status };
  const close = error.code ?? Number(/Socket closed with event (\d+)/.exec(error.message)?.[1]);
  return close ? { close } : { message: String(error.message) };
}

const wsClient = (address, token, options) =>
  createWsClient({
    url: address.replace("http", "ws"),
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Token ${token}` },
    // Stays open after its last operation, so that it is the message `complete` that ends a stream.
    lazyCloseTimeout: 60_000,
    retryAttempts: 0,
    ...options,
  });

const retries = {
  retryAttempts: Infinity,
  retryWait: () => new Promise((resolve) => setTimeout(resolve, 100)),
  shouldRetry: ({ code }) => code !== 4403,
};

/** Of the two libraries by the authors of the protocols. */
const reporting = (client) => (operation, observer) =>
  client.subscribe(operation, {
    next: ({ data, errors }) => (errors ? observer.error(codes(errors)) : observer.next(data)),
    error: (error) => observer.error(describe(error)),
    complete: observer.complete,
  });

function apollo(address, token) {
  const link = new GraphQLWsLink(wsClient(address, token));
  const client = new ApolloClient({ link: ApolloLink.from([link]), cache: new InMemoryCache() });
  return ({ query, variables }, observer) => {
    const subscription = client.subscribe({ query: gql(query), variables, fetchPolicy: "no-cache" }).subscribe({
      next: ({ data, error }) => (error ? failed(error) : observer.next(data)),
      error: failed,
      complete: observer.complete,
    });
    return () => subscription.unsubscribe();

    function failed(error) {
      observer.error(CombinedGraphQLErrors.is(error) ? codes(error.errors) : describe(error));
    }
  };
}

function urqlWith(options) {
  const client = new Client({ preferGetMethod: false, ...options });
  return ({ query, variables }, observer) => {
    const results = client.executeSubscription({ query: createDocument(query), variables, key: Math.random() });
    const { unsubscribe } = pipe(
      results,
      subscribe(({ data, error, hasNext }) => {
        // So urql says that the response has ended, for whatever reason.
        if (!hasNext && !error) observer.error({ ended: true });
        else if (!error) observer.next(data);
        else if (error.graphQLErrors.length) observer.error(codes(error.graphQLErrors));
        else observer.error(error.response?.status ? { status: error.response.status } : describe(error.networkError));
      }),
    );
    return unsubscribe;
  };
}

const createDocument = (query) => gql(query);

function urql(address, token) {
  const client = wsClient(address, token);
  const forward = ({ query, variables }) => ({
    subscribe: (sink) => ({ unsubscribe: client.subscribe({ query, variables }, sink) }),
  });
  return urqlWith({ url: address, exchanges: [subscriptionExchange({ forwardSubscription: forward })] });
}

const urqlSse = (address, token) =>
  urqlWith({
    url: address,
    exchanges: [fetchExchange],
    fetchSubscriptions: true,
    fetchOptions: { headers: { Authorization: `Token ${token}` } },
  });

export const clients = {
  "graphql-ws": (address, token) => reporting(wsClient(address, token, retries)),
  "graphql-sse": (url, token) =>
    reporting(createSseClient({ url, headers: { Authorization: `Token ${token}` }, retryAttempts: 0 })),
  apollo,
  urql,
  "urql-sse": urqlSse,
};
