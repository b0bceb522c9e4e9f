/** What saving a definition would do, asked when typing has rested: whether it is valid, and what breaks it. */
import { useEffect, useState } from "react";
import { useParams } from "react-router";
import { useClient } from "urql";
import {
  type DefineMetadataInput,
  type DefinitionFragment,
  TryDefinitionDocument,
  type TryDefinitionMutation,
} from "../../generated/graphql";
import { type Problem, problemOf, refusals } from "./change";
import { type Draft, editsOf, hasOtherRules, inputOf } from "./draft";
import { useRested } from "./rested";

type Report = TryDefinitionMutation["defineMetadata"];

export interface Check {
  /** The documents that have the key, and those that break it; undefined where they were not read. */
  report: Report | undefined;
  /** What else is wrong. */
  problems: readonly Problem[];
}

/** Undefined while nothing was edited, and until the answer to the newest edit is there. */
export function useCheck(definition: DefinitionFragment | undefined, draft: Draft, initial: Draft): Check | undefined {
  const { platformKey = "" } = useParams();
  const client = useClient();
  const isEdited = draft.key !== "" && draft !== initial;
  const base = definition && inputOf(definition);
  const input = { platformKey, key: draft.key, ...base, ...editsOf(draft, initial), dryRun: true };
  const text = isEdited ? JSON.stringify(input) : "";
  const rested = useRested(text, 500);
  const [asked, setAsked] = useState("");
  const [answer, setAnswer] = useState<{ of: string; data: TryDefinitionMutation | undefined; problems: Problem[] }>();

  useEffect(() => {
    // One question at a time, for each reads all documents. The newest text is asked about next.
    if (!rested || asked || answer?.of === rested) return;
    setAsked(rested);
    const input = JSON.parse(rested) as DefineMetadataInput;
    void client
      .mutation(TryDefinitionDocument, { input })
      .toPromise()
      .then(({ data, error }) => {
        const problems = (problemOf(error) ?? refusals(data)).filter((each) => !each.brokenDocuments);
        setAnswer({ of: rested, data, problems });
        setAsked("");
      });
  }, [client, rested, asked, answer]);

  if (!text || answer?.of !== text) return undefined;
  const { data, problems } = answer;
  const readsDocuments = !definition || hasOtherRules(draft, initial);
  return { problems, report: readsDocuments && problems.length === 0 ? data?.defineMetadata : undefined };
}
