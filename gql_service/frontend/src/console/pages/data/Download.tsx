/** Everything that the service has about the viewer, as a file. */
import { Download as Icon } from "lucide-react";
import { useState } from "react";
import { Button } from "react-aria-components";
import { useClient } from "urql";
import { useMessageOf } from "../../components/State";
import { ExportMeDocument } from "../../generated/graphql";
import { useViewer } from "../../session";
import { useWords } from "./words";

export function Download() {
  const words = useWords();
  const messageOf = useMessageOf();
  const client = useClient();
  const { username } = useViewer();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");

  async function download() {
    setBusy(true);
    setProblem("");
    const { data, error } = await client.query(ExportMeDocument, {}, { requestPolicy: "network-only" }).toPromise();
    setBusy(false);
    if (data?.exportUser) saveFile(`${username}.json`, JSON.stringify(data.exportUser, null, 2));
    else setProblem(error ? messageOf(error) : words.failed);
  }

  return (
    <section className="stack">
      <div>
        <h2>{words.yourData}</h2>
        <p>{words.yourDataText}</p>
        <p className="quiet">{words.hidden}</p>
      </div>
      <div className="row">
        <Button isDisabled={isBusy} onPress={() => void download()}>
          <Icon aria-hidden size={16} />
          {words.download}
        </Button>
      </div>
      <p role="alert" className="danger">
        {problem}
      </p>
    </section>
  );
}

function saveFile(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser needs the URL until the download has begun.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
