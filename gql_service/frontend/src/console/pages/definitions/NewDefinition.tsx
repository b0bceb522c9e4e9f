import { useParams } from "react-router";
import { Editor } from "./Editor";
import { useEditorWords } from "./editor-words";

export default function NewDefinition() {
  const words = useEditorWords();
  const { platformKey } = useParams();
  return (
    <article className="stack">
      <h1>{words.newTitle}</h1>
      <Editor key={platformKey} />
    </article>
  );
}
