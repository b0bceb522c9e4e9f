import { useEffect, useState } from "react";
import { useMutation } from "urql";
import { useForget } from "../../components/draft";
import { problemOf } from "../../components/problem";
import { Question } from "../../components/Window";
import { DeletePlatformDocument, type DeletePlatformMutation } from "../../generated/graphql";
import { CHANGED, draftOf, type Platform } from "./platform";
import { useWords } from "./words";

type Contents = NonNullable<NonNullable<DeletePlatformMutation["deletePlatform"]>["contents"]>;

/** First count what is lost, then ask. */
export function DeletePlatform({ platform, onClose }: { platform: Platform; onClose: () => void }) {
  const words = useWords();
  const [contents, setContents] = useState<Contents>();
  const [problem, setProblem] = useState<string>();
  const forget = useForget();
  const [, send] = useMutation(DeletePlatformDocument);
  const platformKey = platform.key;

  async function remove(dryRun: boolean) {
    const { data, error } = await send({ input: { platformKey, force: true, dryRun } }, dryRun ? {} : CHANGED);
    const found = problemOf({ error }, data?.deletePlatform?.userErrors);
    setProblem(found);
    if (dryRun) setContents(data?.deletePlatform?.contents ?? undefined);
    else if (found === undefined) {
      forget(draftOf(platform));
      onClose();
    }
  }

  useEffect(() => void remove(true), [platformKey]);

  return (
    <Question
      title={words.deleteOf(platform.name)}
      action={words.deleteForever}
      name={platformKey}
      isOpen
      onClose={onClose}
      onConfirm={() => void remove(false)}
    >
      <p>{contents ? words.lost(contents) : !problem && words.counting}</p>
      <p role="alert" className="danger">
        {problem}
      </p>
    </Question>
  );
}
