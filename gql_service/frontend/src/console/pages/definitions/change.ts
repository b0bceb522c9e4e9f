/** Changing a definition. `defineMetadata` replaces all of it, so a change is made to the newest one: what others have
 * changed since the page was opened stays. */
import { useState } from "react";
import { useParams } from "react-router";
import { type CombinedError, useClient } from "urql";
import {
  type DefineMutation,
  DefineDocument,
  type DefinitionFragment,
  NewestDefinitionsDocument,
  type TryDefinitionMutation,
} from "../../generated/graphql";
import type { Content } from "./draft";

export interface Problem {
  message: string;
  /** The first part of what it is about, such as `minimum`. */
  field?: string;
  brokenDocuments: number;
}

export function useChange(key: string) {
  const client = useClient();
  const { platformKey = "" } = useParams();
  const [isBusy, setBusy] = useState(false);
  const [problems, setProblems] = useState<readonly Problem[]>([]);

  /** Whether it was done. If not, `problems` says why. */
  async function change(edit: (newest: DefinitionFragment | undefined) => Content): Promise<boolean> {
    setBusy(true);
    const read = await client
      .query(NewestDefinitionsDocument, { platformKey }, { requestPolicy: "network-only" })
      .toPromise();
    const found = problemOf(read.error) ?? (await define(edit, read.data?.platform?.definitions ?? []));
    setProblems(found);
    setBusy(false);
    return found.length === 0;
  }

  async function define(edit: Parameters<typeof change>[0], all: readonly DefinitionFragment[]) {
    const input = { platformKey, key, ...edit(all.find((each) => each.key === key)) };
    const { data, error } = await client.mutation(DefineDocument, { input }).toPromise();
    return problemOf(error) ?? refusals(data);
  }

  return { change, isBusy, problems };
}

export const problemOf = (error: CombinedError | undefined): Problem[] | undefined =>
  error && [{ message: error.graphQLErrors[0]?.message ?? error.message, brokenDocuments: 0 }];

export function refusals(data: DefineMutation | TryDefinitionMutation | undefined): Problem[] {
  const { userErrors = [], brokenDocuments = 0 } = data?.defineMetadata ?? {};
  return userErrors.map(({ code, message, field }) => ({
    message,
    field: field?.[0],
    brokenDocuments: code === "DATA_BREAKS_DEFINITION" ? brokenDocuments : 0,
  }));
}
