/** What cannot be undone. */
import { useState } from "react";
import { Button } from "react-aria-components";
import { useNavigate } from "react-router";
import { useMutation } from "urql";
import { problemOf } from "../../components/problem";
import { Skeleton } from "../../components/State";
import { Question } from "../../components/Window";
import { ClearDocumentDocument, EraseUserDocument } from "../../generated/graphql";
import { useAccountWords } from "./account-words";
import styles from "./User.module.css";

interface Props {
  platformKey: string;
  username: string;
}

export function Danger(props: Props) {
  return (
    <div className="stack">
      <Clear {...props} />
      <Erase {...props} />
    </div>
  );
}

function Clear({ platformKey, username }: Props) {
  const words = useAccountWords();
  const [isOpen, setOpen] = useState(false);
  const [result, clear] = useMutation(ClearDocumentDocument);
  const problem = problemOf(result, result.data?.clearPlatformMetadata.userErrors);
  const isDone = result.data !== undefined && !problem;
  return (
    <section className={styles.zone}>
      <h2>{words.clear}</h2>
      <p>{words.clearHint(platformKey)}</p>
      <Button className="react-aria-Button destructive" isDisabled={result.fetching} onPress={() => setOpen(true)}>
        {words.clear}
      </Button>
      <p role="alert" className="danger">
        {problem}
      </p>
      <p role="status" className="success">
        {isDone && words.cleared}
      </p>
      {isOpen && (
        <Question
          title={words.clear}
          action={words.clear}
          name={username}
          isOpen
          onClose={() => setOpen(false)}
          onConfirm={() => {
            setOpen(false);
            void clear({ platformKey, username }, { additionalTypenames: ["UserMetadata", "PlatformMetadataChange"] });
          }}
        >
          <p>{words.clearHint(platformKey)}</p>
        </Question>
      )}
    </section>
  );
}

function Erase({ platformKey, username }: Props) {
  const words = useAccountWords();
  const navigate = useNavigate();
  const [isOpen, setOpen] = useState(false);
  const [preview, count] = useMutation(EraseUserDocument);
  const [result, erase] = useMutation(EraseUserDocument);
  const problem =
    problemOf(preview, preview.data?.deleteUser.userErrors) ?? problemOf(result, result.data?.deleteUser.userErrors);
  const lost = preview.data?.deleteUser.deletion;
  const confirm = async () => {
    setOpen(false);
    const { data } = await erase({ username, dryRun: false }, { additionalTypenames: ["User"] });
    if (data?.deleteUser.userErrors.length === 0) void navigate(`/console/p/${platformKey}/users`);
  };
  return (
    <section className={styles.zone}>
      <h2>{words.erase}</h2>
      <p>{words.eraseHint}</p>
      <Button
        className="react-aria-Button destructive"
        isDisabled={result.fetching}
        onPress={() => {
          setOpen(true);
          void count({ username, dryRun: true });
        }}
      >
        {words.erase}
      </Button>
      <p role="alert" className="danger">
        {problem}
      </p>
      {isOpen && !problem && (
        <Question
          title={words.erase}
          action={words.erase}
          name={username}
          isOpen
          onClose={() => setOpen(false)}
          onConfirm={() => void confirm()}
        >
          <p>{words.eraseHint}</p>
          <p>{words.lost}</p>
          {lost ? (
            <ul>
              {words.losses(lost).map((line) => (
                <li key={line}>{line}</li>
              ))}
              {lost.revokedTokens > 0 && <li>{words.issued(lost.revokedTokens)}</li>}
            </ul>
          ) : (
            <Skeleton lines={3} />
          )}
        </Question>
      )}
    </section>
  );
}
