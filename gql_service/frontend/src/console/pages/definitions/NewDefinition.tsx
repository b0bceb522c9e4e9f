import { Link, useParams } from "react-router";
import { Editor } from "./Editor";
import { useEditorWords } from "./editor-words";
import { useWords } from "./words";

export default function NewDefinition() {
  const words = useEditorWords();
  const { title } = useWords();
  const { platformKey } = useParams();
  return (
    <article className="stack">
      <Link to={`/console/p/${platformKey}/definitions`}>← {title}</Link>
      <h1>{words.newTitle}</h1>
      <Editor key={platformKey} />
    </article>
  );
}
