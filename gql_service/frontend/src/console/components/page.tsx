/** Pages whose code is loaded when they are opened, and what is shown if that fails, or if the code itself fails. */
import { Component, type ComponentType, type ReactNode, use } from "react";
import { Button } from "react-aria-components";
import styles from "./State.module.css";
import { useWords } from "./words";

type Module = Promise<{ default: ComponentType }>;

/** How often people have asked to try again. */
let retries = 0;

/** As `lazy` of React, which would never load again what could not be loaded once. */
export function lazyPage(load: () => Module): ComponentType {
  let loading: Module | undefined;
  let failedAfter: number | undefined;
  return function Page() {
    if (!loading || (failedAfter !== undefined && failedAfter < retries)) {
      failedAfter = undefined;
      loading = load();
      loading.catch(() => {
        failedAfter = retries;
      });
    }
    const { default: Content } = use(loading);
    return <Content />;
  };
}

interface Props {
  children: ReactNode;
}

/** Its key is the address: another page begins without the failure of this one. */
export class FailureBoundary extends Component<Props, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    if (!this.state.hasFailed) return this.props.children;
    const retry = () => {
      retries += 1;
      this.setState({ hasFailed: false });
    };
    return <PageFailure onRetry={retry} />;
  }
}

function PageFailure({ onRetry }: { onRetry: () => void }) {
  const words = useWords();
  return (
    <div role="alert" className={styles.state}>
      <p className="danger">{words.pageFailed}</p>
      <Button onPress={onRetry}>{words.tryAgain}</Button>
    </div>
  );
}
