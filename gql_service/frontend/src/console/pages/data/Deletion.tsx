/** Deleting one's own account: what is lost is counted first, and that tells whether it is allowed. */
import { useState } from "react";
import { Button } from "react-aria-components";
import { useMutation } from "urql";
import { useMessageOf } from "../../components/State";
import { Question } from "../../components/Window";
import { codesOf } from "../../connection";
import { DeleteMeDocument, type DeleteMeMutation } from "../../generated/graphql";
import { useSession, useViewer } from "../../session";
import { useWords } from "./words";

export function Deletion() {
  const words = useWords();
  const messageOf = useMessageOf();
  const { username } = useViewer();
  const { signOut } = useSession();
  const [{ fetching }, mutate] = useMutation(DeleteMeDocument);
  const [lost, setLost] = useState<DeleteMeMutation["deleteUser"]["deletion"] | null>(null);
  const [problem, setProblem] = useState("");

  async function run(dryRun: boolean) {
    setProblem("");
    const { data, error } = await mutate({ username, dryRun });
    const found = data?.deleteUser.userErrors[0];
    if (error || found) {
      setLost(null);
      const isForbidden = error !== undefined && codesOf(error).includes("FORBIDDEN");
      setProblem(isForbidden ? words.deletionNotAllowed : (found?.message ?? (error ? messageOf(error) : "")));
    } else if (dryRun) setLost(data?.deleteUser.deletion ?? null);
    else signOut();
  }

  return (
    <section className="stack">
      <div>
        <h2>{words.deletion}</h2>
        <p>{words.deletionText}</p>
      </div>
      <div className="row">
        <Button
          className="react-aria-Button destructive"
          isDisabled={fetching}
          onPress={() => void run(true)}
        >
          {words.deleteAccount}
        </Button>
      </div>
      <p role="alert" className="danger">
        {problem}
      </p>
      {lost && (
        <Question
          title={words.deletion}
          action={words.deleteForever}
          name={username}
          isOpen
          onClose={() => setLost(null)}
          onConfirm={() => void run(false)}
        >
          <p>{words.lost}</p>
          <ul>
            <li>{words.documents(lost.documents)}</li>
            <li>{words.badges(lost.badges)}</li>
            <li>{words.notifications(lost.notifications)}</li>
            <li>{words.tokenCount(lost.tokens)}</li>
          </ul>
        </Question>
      )}
    </section>
  );
}
