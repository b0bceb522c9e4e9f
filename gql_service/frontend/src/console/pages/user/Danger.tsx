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
import type { OpenDocument } from "./document";
import styles from "./User.module.css";

interface EraseProps {
  /** Whose list of users is opened when the user is gone. */
  platformKey: string;
  username: string;
}

export function Danger({ document, ...props }: EraseProps & { document: OpenDocument }) {
  return (
    <div className="stack">
      <Clear key={document.platformKey} {...document} />
      <Erase {...props} />
    </div>
  );
}

function Clear({ platformKey, username }: OpenDocument) {
  const words = useAccountWords();
  const [isOpen, setOpen] = useState(false);
  const [result, clear] = useMutation(ClearDocumentDocument);
  const problem = problemOf(result, result.data?.clearPlatformMetadata.userErrors);
  const isDone = result.data !== undefined && !problem;
  const hint = platformKey === null ? words.clearUserWideHint : words.clearHint(platformKey);
  return (
    <section className={styles.zone}>
      <h2>{words.clear}</h2>
      <p>{hint}</p>
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
          <p>{hint}</p>
        </Question>
      )}
    </section>
  );
}

function Erase({ platformKey, username }: EraseProps) {
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
