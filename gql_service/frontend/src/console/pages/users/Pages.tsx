import { Button } from "react-aria-components";
import { useSearchParams } from "react-router";
import { useWords as useCommonWords } from "../../components/words";
import styles from "./Users.module.css";
import { useWords } from "./words";

interface Info {
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  startCursor?: string | null;
  endCursor?: string | null;
}

/** Where the list goes on, by the cursors of the page that is shown. */
export function Pages({ info }: { info: Info }) {
  const words = useWords();
  const common = useCommonWords();
  const [address, setAddress] = useSearchParams();
  const go = (direction: "after" | "before", cursor: string | null | undefined) => {
    const next = new URLSearchParams(address);
    next.delete("after");
    next.delete("before");
    if (cursor) next.set(direction, cursor);
    setAddress(next);
  };
  if (!info.hasNextPage && !info.hasPreviousPage && !address.has("after") && !address.has("before")) return null;
  return (
    <nav className={`row ${styles.pages}`} aria-label={words.pages}>
      <Button isDisabled={!info.hasPreviousPage} onPress={() => go("before", info.startCursor)}>
        {common.previous}
      </Button>
      <Button isDisabled={!info.hasNextPage} onPress={() => go("after", info.endCursor)}>
        {common.next}
      </Button>
    </nav>
  );
}
