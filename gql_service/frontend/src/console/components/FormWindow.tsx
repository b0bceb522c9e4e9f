/** A window with a form. It stays open, with what was typed, until the server has accepted it. */
import { type ReactNode, useState } from "react";
import { Button } from "react-aria-components";
import { Window } from "./Window";
import { useWords } from "./words";

interface Props {
  title: string;
  /** The verb on the button. */
  action: string;
  /** Returns what is wrong, or undefined if all went well. */
  onSubmit: () => Promise<string | undefined>;
  onClose: () => void;
  children: ReactNode;
}

export function FormWindow({ title, action, onSubmit, onClose, children }: Props) {
  const words = useWords();
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);

  async function submit() {
    setBusy(true);
    const found = await onSubmit();
    setBusy(false);
    setProblem(found);
    if (found === undefined) onClose();
  }

  return (
    <Window title={title} isOpen onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {children}
        <p role="alert" className="danger">
          {problem}
        </p>
        <div className="row">
          <Button type="submit" className="react-aria-Button primary" isDisabled={isBusy}>
            {action}
          </Button>
          <Button onPress={onClose}>{words.cancel}</Button>
        </div>
      </form>
    </Window>
  );
}
