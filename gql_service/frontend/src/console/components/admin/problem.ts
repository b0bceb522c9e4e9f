import type { CombinedError } from "urql";

interface Result {
  error?: CombinedError | undefined;
}

/** Why a mutation was not done, in the server's words. Undefined if it was done. */
export function problemOf(result: Result, userErrors: readonly { message: string }[] | undefined): string | undefined {
  const first = userErrors?.map((each) => each.message).join(" ");
  return first || (result.error && (result.error.graphQLErrors[0]?.message ?? result.error.message));
}
