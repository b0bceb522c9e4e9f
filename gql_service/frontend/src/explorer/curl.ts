/** An operation as a command for a POSIX shell. */
import { headersOf, MANY_RESULTS, ONE_RESULT, type Operation } from "./client";

interface Request {
  url: string;
  operation: Operation;
  isSubscription: boolean;
  token: string | null;
  extraHeaders: Record<string, string>;
  /** Otherwise, the command takes it from the variable TOKEN of the shell. */
  withToken: boolean;
}

export function asCurl({ url, operation, isSubscription, token, extraHeaders, withToken }: Request): string {
  const headers = headersOf(token, isSubscription ? MANY_RESULTS : ONE_RESULT, extraHeaders);
  const lines = [`curl ${isSubscription ? "--no-buffer " : ""}${quoted(url)}`];
  for (const [name, value] of headers) {
    const isSecret = name === "authorization" && !withToken;
    lines.push(isSecret ? '-H "authorization: Bearer $TOKEN"' : `-H ${quoted(`${name}: ${value}`)}`);
  }
  // Unlike --data, it does not read a file whose name follows an @.
  lines.push(`--data-raw ${quoted(JSON.stringify(operation))}`);
  return lines.join(" \\\n  ");
}

/** Between single quotes, a shell takes everything literally but the quote itself. */
const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;
