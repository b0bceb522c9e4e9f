import { type ReactNode, useState } from "react";
import { Button } from "react-aria-components";
import { useWords } from "./words";

interface Props {
  info: { hasNextPage: boolean; endCursor?: string | null } | undefined;
  /** The next page, which begins where this one ends now: so nothing is missed when new items come first. */
  children: (after: string) => ReactNode;
}

/** A button for the next page, and then that page. */
export function More({ info, children }: Props) {
  const words = useWords();
  const [isOpen, setOpen] = useState(false);
  if (!info?.hasNextPage || !info.endCursor) return null;
  if (isOpen) return children(info.endCursor);
  return (
    <div>
      <Button onPress={() => setOpen(true)}>{words.more}</Button>
    </div>
  );
}
