/** The types of `event-stream.js`, which is no TypeScript because the fallback page loads it as it is. */
import type { DocumentNode } from "graphql";

export function isSubscription(operation: { operationName?: string | null }, documentAST?: DocumentNode): boolean;

interface Observer {
  next: (value: never) => void;
  error: (error: unknown) => void;
  complete: () => void;
}

export function observe(send: (signal: AbortSignal) => Promise<Response>): {
  subscribe: (observer: Observer) => { unsubscribe: () => void };
};
