/** A window with a form. It stays open, with what was typed, until the server has accepted it. When it is closed before,
 * what was typed waits for the window to be opened again. Its second button is what discards it. */
import { type ReactNode, useState } from "react";
import { Button } from "react-aria-components";
import type { Form } from "./form";
import { Window } from "./Window";
import { useWords } from "./words";

interface Props {
  title: string;
  /** The verb on the button. */
  action: string;
  form: Pick<Form<unknown>, "isEdited" | "discard">;
  /** Whether what has to be there is there. */
  isComplete?: boolean;
  /** Returns what is wrong, empty if a field says it; or undefined if all went well. */
  onSubmit: () => Promise<string | undefined>;
  onClose: () => void;
  children: ReactNode;
}

export function FormWindow({ title, action, form, isComplete = true, onSubmit, onClose, children }: Props) {
  const words = useWords();
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const [wasKept] = useState(form.isEdited);

  async function submit() {
    if (isBusy) return;
    setBusy(true);
    const found = await onSubmit();
    setBusy(false);
    setProblem(found);
    if (found === undefined) discard();
  }

  function discard() {
    form.discard();
    onClose();
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
        {wasKept && form.isEdited && <p className="quiet">{words.kept}</p>}
        {children}
        <p role="alert" className="danger">
          {problem}
        </p>
        <div className="row">
          {/* Not disabled while it is busy: the focus would be lost, and keys could not close the window. */}
          <Button type="submit" className="react-aria-Button primary" isPending={isBusy} isDisabled={!isComplete}>
            {action}
          </Button>
          <Button onPress={discard}>{form.isEdited ? words.discard : words.cancel}</Button>
        </div>
      </form>
    </Window>
  );
}
