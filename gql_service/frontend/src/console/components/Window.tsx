/** Dialogs: a window over the page, and the question before something is done that cannot be undone. */
import { type ReactNode, useState } from "react";
import { Button, Dialog, Heading, Input, Label, Modal, ModalOverlay, TextField } from "react-aria-components";
import { X } from "lucide-react";
import { useWords } from "./words";

interface WindowProps {
  title: ReactNode;
  isOpen: boolean;
  onClose: () => void;
  isWide?: boolean;
  children: ReactNode;
}

export function Window({ title, isOpen, onClose, isWide = false, children }: WindowProps) {
  const words = useWords();
  return (
    <ModalOverlay isOpen={isOpen} onOpenChange={(open) => open || onClose()} isDismissable>
      <Modal className={`react-aria-Modal${isWide ? " wide" : ""}`}>
        <Dialog>
          <div className="row spread">
            <Heading slot="title" level={2}>
              {title}
            </Heading>
            <Button className="react-aria-Button plain" aria-label={words.close} onPress={onClose}>
              <X aria-hidden size={18} />
            </Button>
          </div>
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

interface QuestionProps {
  title: string;
  /** What is lost. */
  children: ReactNode;
  /** The verb on the button. */
  action: string;
  /** To be typed, where it cannot be undone. */
  name?: string;
  isOpen: boolean;
  onClose: () => void;
  onConfirm: () => void;
}

export function Question({ title, children, isOpen, onClose, ...confirmation }: QuestionProps) {
  return (
    <Window title={title} isOpen={isOpen} onClose={onClose}>
      {children}
      <Confirmation {...confirmation} onClose={onClose} />
    </Window>
  );
}

/** What was typed to confirm is gone when the window is closed: the next time, it has to be meant again. */
function Confirmation({ action, name, onClose, onConfirm }: Omit<QuestionProps, "title" | "children" | "isOpen">) {
  const words = useWords();
  const [typed, setTyped] = useState("");
  return (
    <>
      {name && (
        <TextField value={typed} onChange={setTyped} autoComplete="off">
          <Label>{words.typeToConfirm(name)}</Label>
          <Input />
        </TextField>
      )}
      <div className="row">
        <Button
          className="react-aria-Button destructive"
          isDisabled={name !== undefined && typed !== name}
          onPress={onConfirm}
        >
          {action}
        </Button>
        <Button onPress={onClose}>{words.cancel}</Button>
      </div>
    </>
  );
}
