import type { GraphiQL } from "graphiql";
import { type DocumentNode, Kind, parse } from "graphql";
import type { ComponentProps } from "react";
import { isSubscription, observe } from "../../event-stream.js";

type Fetcher = ComponentProps<typeof GraphiQL>["fetcher"];
type ExtraHeaders = Record<string, string>;

export interface Operation {
  query: string;
  operationName?: string | null;
  variables?: unknown;
}

interface Answer {
  data?: Record<string, unknown>;
  errors?: { message: string }[];
}

export interface Person {
  username: string;
  displayName: string;
  /** The first platform that they see, for the examples. */
  platformKey: string | null;
}

// The page is served at the GraphQL endpoint's own path, so it asks itself.
export const ENDPOINT = window.location.pathname;
export const ONE_RESULT = "application/graphql-response+json, application/json;q=0.9";
export const MANY_RESULTS = "text/event-stream";

/** Ours, unless the user has typed others, whatever their letter case. */
export function headersOf(token: string | null, accept: string, extraHeaders: ExtraHeaders): Headers {
  const headers = new Headers({ "Content-Type": "application/json", Accept: accept, "GraphQL-Preflight": "1" });
  if (token) headers.set("Authorization", `Bearer ${token}`);
  for (const [name, value] of Object.entries(extraHeaders)) headers.set(name, value);
  return headers;
}

function send(
  operation: Operation,
  token: string | null,
  extraHeaders: ExtraHeaders,
  accept: string,
  signal: AbortSignal | null = null,
): Promise<Response> {
  const headers = headersOf(token, accept, extraHeaders);
  return fetch(ENDPOINT, { method: "POST", headers, body: JSON.stringify(operation), signal });
}

/** The only result of an operation. */
async function post(operation: Operation, token: string | null, extraHeaders: ExtraHeaders = {}): Promise<Answer> {
  const response = await send(operation, token, extraHeaders, ONE_RESULT);
  const text = await response.text();
  try {
    // GraphQL errors may come with any status: the body is what matters.
    return JSON.parse(text) as Answer;
  } catch {
    return { errors: [{ message: `Not a GraphQL answer: ${response.status} ${text.slice(0, 500)}` }] };
  }
}

const WHO = "{ me { username displayName } platforms(first: 1) { nodes { key } } }";

/** Who the token belongs to; throws the server's own message if it is refused. */
export async function whoIs(token: string): Promise<Person> {
  const { data, errors } = await post({ query: WHO }, token);
  if (!data?.["me"]) throw new Error(errors?.[0]?.message ?? "The server does not know this access token.");
  const { me, platforms } = data as { me: Person; platforms: { nodes: { key: string }[] } | null };
  return { ...me, platformKey: platforms?.nodes[0]?.key ?? null };
}

/** What GraphiQL calls to run an operation. Its type of observables has overloads that it does not use. */
export const createFetcher =
  (token: string | null): Fetcher =>
  (asked, { headers = {} } = {}) => {
    const documentAST = parsed(asked.query);
    const operation = documentAST ? withKnownName(asked, documentAST) : asked;
    return (
      isSubscription(operation, documentAST)
        ? observe((signal) => send(operation, token, headers, MANY_RESULTS, signal))
        : post(operation, token, headers)
    ) as ReturnType<Fetcher>;
  };

function parsed(query: string): DocumentNode | undefined {
  try {
    return parse(query);
  } catch {
    return undefined; // The server says what is wrong.
  }
}

/** GraphiQL notices a moment late that the text has changed: until then, it names an operation of before. */
function withKnownName(operation: Operation, documentAST: DocumentNode): Operation {
  const isKnown = documentAST.definitions.some(
    (each) => each.kind === Kind.OPERATION_DEFINITION && each.name?.value === operation.operationName,
  );
  return isKnown ? operation : { ...operation, operationName: null };
}
