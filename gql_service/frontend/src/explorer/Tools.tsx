/** What we add to the toolbar of GraphiQL. It is inside of GraphiQL, whose editors it reads and fills. */
import { ToolbarButton, ToolbarMenu, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { BookOpen, Terminal } from "lucide-react";
import { isSubscription } from "../../event-stream.js";
import { ENDPOINT } from "./client";
import { asCurl } from "./curl";
import { EXAMPLES } from "./examples";

export function Examples({ platformKey }: { platformKey: string | null }) {
  const { addTab, updateActiveTabValues } = useGraphiQLActions();
  const queryEditor = useGraphiQL((state) => state.queryEditor);

  function open(query: string) {
    addTab();
    // The editor is that of all tabs.
    queryEditor?.setValue(query);
    updateActiveTabValues({ query });
  }

  return (
    <ToolbarMenu
      button={
        <ToolbarButton label="Examples">
          <BookOpen aria-hidden className="graphiql-toolbar-icon" />
        </ToolbarButton>
      }
    >
      {EXAMPLES.map(({ title, query }) => (
        <ToolbarMenu.Item key={title} onSelect={() => open(query(platformKey ?? "acme-corp"))}>
          {title}
        </ToolbarMenu.Item>
      ))}
    </ToolbarMenu>
  );
}

interface CurlProps {
  token: string | null;
  onStatus: (text: string, failed?: boolean) => void;
}

export function CopyAsCurl({ token, onStatus }: CurlProps) {
  const { queryEditor, variableEditor, headerEditor, documentAST, operationName } = useGraphiQL((state) => state);

  async function copy(withToken: boolean) {
    try {
      const command = asCurl({
        url: window.location.origin + ENDPOINT,
        operation: {
          query: queryEditor?.getValue() ?? "",
          operationName,
          variables: parsed(variableEditor?.getValue()),
        },
        isSubscription: isSubscription({ operationName }, documentAST),
        token,
        extraHeaders: parsed(headerEditor?.getValue()) ?? {},
        withToken,
      });
      await navigator.clipboard.writeText(command);
      onStatus(withToken ? "Copied with the token: whoever reads it can sign in." : "Copied. Set TOKEN in the shell.");
    } catch (error) {
      onStatus(`Not copied: ${error instanceof Error ? error.message : String(error)}`, true);
    }
  }

  return (
    <ToolbarMenu
      button={
        <ToolbarButton label="Copy as curl">
          <Terminal aria-hidden className="graphiql-toolbar-icon" />
        </ToolbarButton>
      }
    >
      <ToolbarMenu.Item onSelect={() => void copy(false)}>Copy as curl</ToolbarMenu.Item>
      <ToolbarMenu.Item onSelect={() => void copy(true)} disabled={!token}>
        Copy as curl, with the token
      </ToolbarMenu.Item>
    </ToolbarMenu>
  );
}

/** An editor of JSON; undefined if it is empty. */
function parsed(text: string | undefined): Record<string, string> | undefined {
  return text?.trim() ? (JSON.parse(text) as Record<string, string>) : undefined;
}
