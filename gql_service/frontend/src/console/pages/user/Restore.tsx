/** Restoring a document, after a look at what that changes. */
import { Button } from "react-aria-components";
import { useMutation, useQuery } from "urql";
import { Comparison } from "../../components/admin/Comparison";
import { differencesOf } from "../../components/admin/differences";
import { problemOf } from "../../components/problem";
import { Failure, Skeleton } from "../../components/State";
import { Window } from "../../components/Window";
import { RestoreDocument, RestorePreviewDocument } from "../../generated/graphql";
import { documentOf, type OpenDocument, variablesOf } from "./document";
import type { Change } from "./History";
import { useWords } from "./words";

interface Props extends OpenDocument {
  change: Change;
  onDone: (skipped: readonly string[]) => void;
  onClose: () => void;
}

export function Restore({ platformKey, username, change, onDone, onClose }: Props) {
  const words = useWords();
  const [{ data, error }] = useQuery({
    query: RestorePreviewDocument,
    variables: { ...variablesOf({ platformKey, username }), at: change.changedAt },
    requestPolicy: "network-only",
  });
  const [{ fetching, ...result }, restore] = useMutation(RestoreDocument);
  const document = documentOf(data);
  const problem = problemOf(result, result.data?.restorePlatformMetadata.userErrors);
  const confirm = async (expectedRevision: number) => {
    const input = { platformKey, username, revision: change.revision, expectedRevision };
    const { data: done } = await restore({ input });
    const payload = done?.restorePlatformMetadata;
    if (payload?.userErrors.length === 0) onDone(payload.skippedKeys);
  };
  return (
    <Window title={words.restoreTitle(change.revision)} isOpen onClose={onClose} isWide>
      {error && <Failure error={error} />}
      {!document && !error && <Skeleton />}
      {document && (
        <>
          <p>{words.restoreHint}</p>
          <Comparison
            differences={differencesOf(document.metadata, document.past)}
            titles={[words.now, words.then]}
            empty={words.nothingToRestore}
          />
          <p role="alert" className="danger">
            {problem}
          </p>
          <div className="row">
            <Button
              className="react-aria-Button primary"
              isDisabled={fetching}
              onPress={() => void confirm(document.revision)}
            >
              {words.restoreIt}
            </Button>
            <Button onPress={onClose}>{words.cancel}</Button>
          </div>
        </>
      )}
    </Window>
  );
}
