/** A secret that the server tells only once. It stays until the user says that it is kept. */
import { useState } from "react";
import { Button, Dialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { useWords } from "./words";

export function Secret({ value, onClose }: { value: string | undefined; onClose: () => void }) {
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
            {words.secretTitle}
          </Heading>
          <p>{words.secretWhat}</p>
          <code>{value}</code>
          <div className="row">
            {value && <Button onPress={() => void copy(value)}>{copied === value ? words.copied : words.copy}</Button>}
            <Button className="react-aria-Button primary" onPress={onClose}>
              {words.done}
            </Button>
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
