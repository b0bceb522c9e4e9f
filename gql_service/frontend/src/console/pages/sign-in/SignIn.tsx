/** Signing in, by an access token or at the issuer: as a page, or over the page when the token has expired. */
import { useEffect, useState } from "react";
import { Button, Checkbox, Input, Label, Text, TextField } from "react-aria-components";
import { finishSignIn, type Issuer, readIssuer, startSignIn } from "../../../shared/openid";
import { Window } from "../../components/Window";
import { useSession } from "../../session";
import { verify } from "./verify";
import styles from "./SignIn.module.css";
import { useWords } from "./words";

export function SignIn({ isAgain = false }: { isAgain?: boolean }) {
  const words = useWords();
  const { signOut } = useSession();
  if (isAgain) {
    return (
      <Window title={words.again} isOpen onClose={signOut}>
        <p>{words.againIntro}</p>
        <SignInForm />
      </Window>
    );
  }
  return (
    <main className={styles.page}>
      <p className="quiet">gql_service</p>
      <h1>{words.title}</h1>
      <p>{words.intro}</p>
      <SignInForm />
      <section className="stack">
        <h2>{words.more}</h2>
        <ul className="stack">
          <li>
            <a href="/docs/">{words.documentation}</a>
          </li>
          <li>
            <a href="/graphql">{words.explorer}</a>
          </li>
          <li>
            <a href="/openapi.json">{words.api}</a>
          </li>
        </ul>
      </section>
    </main>
  );
}

function SignInForm() {
  const words = useWords();
  const { signIn } = useSession();
  const [token, setToken] = useState("");
  const [keep, setKeep] = useState(false);
  const [issuer, setIssuer] = useState<Issuer | null>(null);
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);

  async function attempt(action: () => Promise<string | null | void>) {
    setBusy(true);
    setProblem("");
    try {
      const candidate = await action();
      if (candidate) {
        await verify(candidate);
        signIn(candidate, keep);
      }
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  }

  useEffect(() => {
    void attempt(async () => {
      const found = await readIssuer();
      setIssuer(found);
      return found && finishSignIn(found);
    });
  }, []);

  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void attempt(() => Promise.resolve(token.trim()));
      }}
    >
      {/* Without a `name`, the browser can never put the token into a URL. */}
      <TextField type="password" value={token} onChange={setToken} autoComplete="off" isRequired>
        <Label>{words.token}</Label>
        <Input />
        <Text slot="description">{words.tokenHint}</Text>
      </TextField>
      <Checkbox isSelected={keep} onChange={setKeep}>
        {({ isSelected }) => (
          <>
            <span aria-hidden className="box">
              {isSelected && "✓"}
            </span>
            {words.keep}
          </>
        )}
      </Checkbox>
      <p role="alert" className="danger">
        {problem}
      </p>
      <div className="row">
        <Button type="submit" className="react-aria-Button primary" isDisabled={isBusy}>
          {words.signIn}
        </Button>
        {issuer && (
          <Button isDisabled={isBusy} onPress={() => void attempt(() => startSignIn(issuer))}>
            {words.signInAt(new URL(issuer.issuer).host)}
          </Button>
        )}
      </div>
    </form>
  );
}
