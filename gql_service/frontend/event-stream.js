/** Whether GraphiQL is about to run a subscription. */
export function isSubscription({ operationName }, documentAST) {
  const operations = documentAST?.definitions.filter(({ kind }) => kind === "OperationDefinition") ?? [];
  const chosen = operationName ? operations.find(({ name }) => name?.value === operationName) : operations[0];
  return chosen?.operation === "subscription";
}

/**
 * The results of a subscription as server-sent events, in the form that GraphiQL takes: an observable.
 * `send` gets a signal to end by, and returns the promise of a response.
 */
export const observe = (send) => ({
  subscribe(observer) {
    const control = new AbortController();
    read(send, control.signal, observer).then(
      () => observer.complete(),
      (error) => control.signal.aborted || observer.error(error),
    );
    return { unsubscribe: () => control.abort() };
  },
});

async function read(send, signal, observer) {
  const response = await send(signal);
  if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
    observer.next(await response.json()); // It was refused.
    return;
  }
  let text = "";
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const events = (text + part.value).split("\n\n");
    text = events.pop();
    for (const event of events) {
      const lines = event.split("\n");
      if (lines.includes("event: complete")) return;
      const data = lines.find((line) => line.startsWith("data: "));
      if (data) observer.next(JSON.parse(data.slice("data: ".length)));
    }
  }
  throw new Error("The server has closed the connection. Run the subscription again.");
}
