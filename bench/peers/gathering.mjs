// What gql_service does, too: requests that run at the same time share their reads and their commits.

let open = 0;

/** Run a request. While it is the only one, it waits for no others. */
export async function counted(request) {
  open++;
  try {
    return await request();
  } finally {
    open--;
  }
}

/** Call a function when all requests that are open have asked for what they need. */
function soon(callback) {
  if (open > 1) setImmediate(callback);
  else process.nextTick(callback);
}

/**
 * A loader for all requests. `read` returns a Map of the values by key. Nothing is cached.
 *
 * What every request needs first waits for the others of the turn with `setImmediate`: they are not open yet.
 */
export function gather(read, dispatchLater = soon) {
  let waiting = new Map();

  async function dispatch() {
    const batch = waiting;
    waiting = new Map();
    try {
      const found = await read([...batch.keys()]);
      for (const [key, load] of batch) load.resolve(found.get(key) ?? null);
    } catch (error) {
      for (const load of batch.values()) load.reject(error);
    }
  }

  return (key) => {
    let load = waiting.get(key);
    if (!load) {
      if (waiting.size === 0) dispatchLater(dispatch);
      load = later();
      waiting.set(key, load);
    }
    return load.promise;
  };
}

/** Writes for all requests: those that arrive during a transaction share the next one. */
export function gatherWrites(writeAll) {
  let waiting = [];
  let isWriting = false;

  async function writeWaiting() {
    while (waiting.length) {
      const batch = waiting;
      waiting = [];
      await attempt(batch);
    }
    isWriting = false;
  }

  async function attempt(batch) {
    try {
      const results = await writeAll(batch.map(({ write }) => write));
      batch.forEach(({ resolve }, i) => resolve(results[i]));
    } catch (error) {
      if (batch.length === 1) batch[0].reject(error);
      else for (const each of batch) await attempt([each]); // one write must not fail the others
    }
  }

  return (write) => {
    const pending = { write, ...later() };
    waiting.push(pending);
    if (!isWriting) {
      isWriting = true;
      soon(writeWaiting);
    }
    return pending.promise;
  };
}

function later() {
  const pending = {};
  pending.promise = new Promise((resolve, reject) => Object.assign(pending, { resolve, reject }));
  return pending;
}
