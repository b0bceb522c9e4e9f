/** The connection to the server: operations by POST, subscriptions by WebSocket. */
import { type Client as SocketClient, createClient as createSocket } from "graphql-ws";
import { cacheExchange, Client, type CombinedError, fetchExchange, mapExchange, subscriptionExchange } from "urql";
import { fetchAndSetClock } from "./components/clock";

const ENDPOINT = "/graphql";
/** The code with which the server closes a WebSocket whose token it does not accept (any more). */
const FORBIDDEN = 4403;

export interface Connection {
  client: Client;
  /** Call back whenever live updates are cut off (false) or come again (true). Returns how to stop. */
  onLive: (listener: (isLive: boolean) => void) => () => void;
  close: () => void;
}

/** @param onExpired Called when the server does not accept the token (any more). */
export function openConnection(token: string | null, onExpired: () => void): Connection {
  const socket = openSocket(token, onExpired);
  const client = new Client({
    url: ENDPOINT,
    preferGetMethod: false,
    fetch: fetchAndSetClock,
    requestPolicy: "cache-and-network",
    fetchOptions: () => ({ headers: { "GraphQL-Preflight": "1", ...authorization(token) } }),
    exchanges: [
      cacheExchange,
      mapExchange({
        onError: (error) => {
          if (token && codesOf(error).includes("UNAUTHENTICATED")) onExpired();
        },
      }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query: query ?? "", variables }, sink) }),
        }),
      }),
    ],
  });
  return {
    client,
    onLive(listener) {
      const stops = [socket.on("connected", () => listener(true)), socket.on("closed", () => listener(false))];
      return () => stops.forEach((stop) => stop());
    },
    close: () => void socket.dispose(),
  };
}

function openSocket(token: string | null, onExpired: () => void): SocketClient {
  return createSocket({
    url: `${location.origin.replace(/^http/, "ws")}${ENDPOINT}`,
    connectionParams: authorization(token),
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    on: {
      closed: (event) => {
        if (token && (event as CloseEvent).code === FORBIDDEN) onExpired();
      },
    },
  });
}

const authorization = (token: string | null): Record<string, string> =>
  token ? { Authorization: `Bearer ${token}` } : {};

/** The stable codes of an error, by which the console decides; its messages are for people. */
export const codesOf = (error: CombinedError): unknown[] =>
  error.graphQLErrors.map((each) => each.extensions?.["code"]);
