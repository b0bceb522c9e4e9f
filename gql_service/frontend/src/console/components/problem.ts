import type { CombinedError } from "urql";

interface Result {
  error?: CombinedError | undefined;
  userErrors?: readonly { message: string }[] | undefined;
}

/** What the server says against a change, or undefined if it was made. */
export function problemOf({ error, userErrors = [] }: Result): string | undefined {
  const refused = userErrors.length > 0 ? userErrors : error?.graphQLErrors;
  return refused?.length ? refused.map((each) => each.message).join(" ") : error?.message;
}
