/** A secret that the server tells only once. It stays until the user says that it is kept: no key and no click beside it
 * closes the window. */
import { useState } from "react";
import { Button, Dialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { useWords } from "./words";

interface Props {
  title: string;
  /** What it is for. */
  hint: string;
  /** Undefined closes the window. */
  value: string | undefined;
  onClose: () => void;
}

export function Secret({ title, hint, value, onClose }: Props) {
  const words = useWords();
  const [copied, setCopied] = useState<string>();
  async function copy(text: string): Promise<void> {
    await navigator.clipboard.writeText(text);
    setCopied(text);
  }
  return (
    <ModalOverlay isOpen={value !== undefined} isKeyboardDismissDisabled>
      <Modal>
        <Dialog>
          <Heading slot="title" level={2}>
            {title}
          </Heading>
          <p>{hint}</p>
          <code>{value}</code>
          <div className="row">
            {value && <Button onPress={() => void copy(value)}>{copied === value ? words.copied : words.copy}</Button>}
            <Button className="react-aria-Button primary" onPress={onClose}>
              {words.secretKept}
            </Button>
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
