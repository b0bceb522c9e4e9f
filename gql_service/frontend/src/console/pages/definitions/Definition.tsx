/** One definition: its kill switch, and in tabs its rollout, its rules and its history. */
import { useCallback, useState } from "react";
import { Button, Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { Link, useNavigate, useParams } from "react-router";
import { useMutation, useQuery } from "urql";
import { useDefinitionChanges } from "../../components/admin/definition-changes";
import { useForget } from "../../components/draft";
import { useNumberFormat } from "../../components/format";
import { Empty, Failure, Skeleton } from "../../components/State";
import { Question } from "../../components/Window";
import {
  type DefinitionFragment,
  DefinitionOfKeyDocument,
  RemoveDefinitionDocument,
} from "../../generated/graphql";
import { Share } from "./Bars";
import { Editor } from "./Editor";
import { useEditorWords } from "./editor-words";
import { History } from "./History";
import { KillSwitch } from "./KillSwitch";
import { Rollout } from "./Rollout";
import { useRolloutWords } from "./rollout-words";
import { useRules } from "./rules-words";
import { useWords } from "./words";

export default function Definition() {
  const words = useRolloutWords();
  const { platformKey = "", key = "" } = useParams();
  const [{ data, error }, read] = useQuery({ query: DefinitionOfKeyDocument, variables: { platformKey, key } });
  const readAgain = useCallback(() => read({ requestPolicy: "network-only" }), [read]);
  useDefinitionChanges(platformKey, key, readAgain);

  const definition = data?.platform?.definitions.find((each) => each.key === key);
  return (
    <article className="stack">
      <Link to={`/console/p/${platformKey}/definitions`}>← {words.back}</Link>
      {error && !data?.platform?.definitions ? (
        <Failure error={error} onRetry={readAgain} />
      ) : !data ? (
        <Skeleton lines={8} />
      ) : !definition ? (
        <>
          <h1 className="value">{key}</h1>
          <Empty>{words.unknown}</Empty>
          <History of={key} />
        </>
      ) : (
        <>
          <Header definition={definition} adoption={data.platform?.adoption} />
          <Tabs key={`${platformKey} ${key}`}>
            <TabList aria-label={key}>
              <Tab id="rollout">{words.rollout}</Tab>
              <Tab id="edit">{words.edit}</Tab>
              <Tab id="history">{words.history}</Tab>
            </TabList>
            <TabPanel id="rollout">
              <Rollout definition={definition} />
            </TabPanel>
            <TabPanel id="edit" className="react-aria-TabPanel stack">
              <Editor definition={definition} />
              <Removal of={key} />
            </TabPanel>
            <TabPanel id="history">
              <History of={key} changedAt={definition.updatedAt} />
            </TabPanel>
          </Tabs>
        </>
      )}
    </article>
  );
}

interface HeaderProps {
  definition: DefinitionFragment;
  adoption?: { documents: number; keys: { documents: number }[] } | null;
}

function Header({ definition, adoption }: HeaderProps) {
  const words = useWords();
  const rules = useRules();
  const format = useNumberFormat();
  const part = adoption?.keys[0]?.documents ?? 0;
  const whole = adoption?.documents ?? 0;
  return (
    <>
      <div className="row spread">
        <div>
          <h1 className="value">{definition.title || definition.key}</h1>
          <p>
            {definition.title && <span className="code">{definition.key}</span>} <span className="quiet value">{rules(definition)}</span>
          </p>
        </div>
        <KillSwitch definition={definition} />
      </div>
      {adoption && (
        <div>
          <Share part={part} whole={whole} text={words.documentsOf(format.format(part), format.format(whole))} />
        </div>
      )}
    </>
  );
}

function Removal({ of: key }: { of: string }) {
  const words = useEditorWords();
  const { platformKey = "" } = useParams();
  const navigate = useNavigate();
  const [isAsking, setAsking] = useState(false);
  const [{ data, error }, remove] = useMutation(RemoveDefinitionDocument);
  const forget = useForget();
  async function confirm(): Promise<void> {
    const result = await remove({ input: { platformKey, key } });
    setAsking(false);
    if (result.data?.removeMetadataDefinition.userErrors.length !== 0) return;
    forget(...["definition", "rollout", "variant"].map((draft) => `${draft} ${platformKey} ${key}`));
    void navigate(`/console/p/${platformKey}/definitions`);
  }
  return (
    <div>
      <Button className="react-aria-Button destructive" onPress={() => setAsking(true)}>
        {words.remove}
      </Button>
      <p role="alert" className="danger">
        {data?.removeMetadataDefinition.userErrors[0]?.message ?? error?.message}
      </p>
      <Question
        title={words.remove}
        action={words.remove}
        name={key}
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        onConfirm={() => void confirm()}
      >
        <p className="value">{words.removeWhat(key)}</p>
      </Question>
    </div>
  );
}
