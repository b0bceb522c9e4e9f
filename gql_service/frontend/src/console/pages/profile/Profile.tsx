import { Award } from "lucide-react";
import { useState } from "react";
import { Button, Label, ListBox, ListBoxItem, Popover, Select, SelectValue } from "react-aria-components";
import { useMutation } from "urql";
import { UpdateProfileDocument } from "../../generated/graphql";
import { useViewer } from "../../session";
import { chooseLanguage, LANGUAGES } from "../../words";
import { Badges } from "./Badges";
import styles from "./Profile.module.css";
import { useWords } from "./words";

export default function Profile() {
  const words = useWords();
  const viewer = useViewer();
  const [isOpen, setOpen] = useState(false);
  const { earned, total } = viewer.badgeProgress ?? { earned: 0, total: 0 };
  return (
    <article className="stack">
      <h1>{words.title}</h1>
      <div className={styles.panel}>
        <Picture name={viewer.displayName} url={viewer.image ?? null} />
        <div className="stack">
          <div>
            <h2 className="value">{viewer.displayName}</h2>
            <p className="value">
              {viewer.email}{" "}
              {viewer.emailVerified ? (
                <span className="success small">✓ {words.verified}</span>
              ) : (
                <span className="quiet small">{words.notVerified}</span>
              )}
            </p>
          </div>
          <div className={styles.choice}>
            <LanguageChoice />
          </div>
        </div>
        <Button onPress={() => setOpen(true)}>
          <Award aria-hidden size={16} />
          {words.badges(earned, total)}
        </Button>
      </div>
      <Badges isOpen={isOpen} onClose={() => setOpen(false)} />
    </article>
  );
}

/** The picture, or an initial if there is none, or if it cannot be loaded. Its host is not told where it is shown. */
function Picture({ name, url }: { name: string; url: string | null }) {
  const words = useWords();
  const [broken, setBroken] = useState<string>();
  if (url && url !== broken) {
    return (
      <img
        className={styles.picture}
        src={url}
        alt={words.image(name)}
        referrerPolicy="no-referrer"
        onError={() => setBroken(url)}
      />
    );
  }
  return (
    <div aria-hidden className={styles.picture}>
      {name.slice(0, 1).toUpperCase()}
    </div>
  );
}

function LanguageChoice() {
  const words = useWords();
  const { username, language } = useViewer();
  const [{ fetching, data, error }, update] = useMutation(UpdateProfileDocument);
  const problem = data?.updateUser.userErrors[0]?.message ?? error?.message;
  return (
    <>
      <Select
        isDisabled={fetching}
        value={chooseLanguage([language, ...navigator.languages])}
        onChange={(chosen) => void update({ input: { username, language: String(chosen) } })}
      >
        <Label>{words.language}</Label>
        <Button>
          <SelectValue />
          <span aria-hidden>▾</span>
        </Button>
        <Popover>
          <ListBox>
            {Object.entries(LANGUAGES).map(([code, name]) => (
              <ListBoxItem key={code} id={code}>
                {name}
              </ListBoxItem>
            ))}
          </ListBox>
        </Popover>
      </Select>
      <p role="alert" className="danger">
        {problem}
      </p>
    </>
  );
}
