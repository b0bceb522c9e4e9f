import { isSubscription, observe } from "../../event-stream.js";

// The page is served at the GraphQL endpoint's own path, so it asks itself.
const ENDPOINT = window.location.pathname;

/** Send one operation; `extraHeaders` win over ours, whatever their letter case. */
function send(operation, token, extraHeaders, accept, signal) {
  const headers = new Headers({ "Content-Type": "application/json", Accept: accept, "GraphQL-Preflight": "1" });
  if (token) headers.set("Authorization", `Bearer ${token}`);
  for (const [name, value] of Object.entries(extraHeaders)) headers.set(name, value);
  return fetch(ENDPOINT, { method: "POST", headers, body: JSON.stringify(operation), signal });
}

/** The only result of an operation. */
export async function post(operation, token, extraHeaders = {}) {
  const accept = "application/graphql-response+json, application/json;q=0.9";
  const response = await send(operation, token, extraHeaders, accept);
  const text = await response.text();
  try {
    // GraphQL errors may come with any status: the body is what matters.
    return JSON.parse(text);
  } catch {
    return { errors: [{ message: `Not a GraphQL answer: ${response.status} ${text.slice(0, 500)}` }] };
  }
}

/** Who the token belongs to; throws the server's own message if it is refused. */
export async function whoIs(token) {
  const { data, errors } = await post({ query: "{ me { username displayName } }" }, token);
  if (data?.me) return data.me;
  throw new Error(errors?.[0]?.message ?? "The server does not know this access token.");
}

/** What GraphiQL calls to run an operation. */
export const createFetcher =
  (token) =>
  (operation, { headers = {}, documentAST } = {}) =>
    isSubscription(operation, documentAST)
      ? observe((signal) => send(operation, token, headers, "text/event-stream", signal))
      : post(operation, token, headers);
