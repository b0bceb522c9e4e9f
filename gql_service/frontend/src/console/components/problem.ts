import type { CombinedError } from "urql";

interface Result {
  error?: CombinedError | undefined;
}

/** Why a mutation was not done, in the server's words. Undefined if it was done. */
export function problemOf(
  { error }: Result,
  userErrors: readonly { message: string }[] | undefined,
): string | undefined {
  const refused = userErrors?.length ? userErrors : error?.graphQLErrors;
  return refused?.length ? refused.map((each) => each.message).join(" ") : error?.message;
}
