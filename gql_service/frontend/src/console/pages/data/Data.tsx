import { Deletion } from "./Deletion";
import { Download } from "./Download";
import { Tokens } from "./Tokens";
import styles from "./Data.module.css";
import { useWords } from "./words";

export default function Data() {
  const words = useWords();
  return (
    <article className={`stack ${styles.page}`}>
      <h1>{words.title}</h1>
      <Tokens />
      <Download />
      <Deletion />
    </article>
  );
}
