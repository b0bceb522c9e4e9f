// Follows a document with one of the clients, and goes on after its last revision whenever the connection is lost.
// Arguments: the client, the address of the service, a token, the key of the platform, and the operation.
// Prints what happens as lines of JSON. The line `complete` on standard input ends the subscription, not the client.
import { createInterface } from "node:readline";
import { clients } from "./clients.mjs";

const [name, address, token, key, query] = process.argv.slice(2);
const subscribe = clients[name](address, token);
const print = (line) => console.log(JSON.stringify(line));
let since = 0;
let stop;

// Clients that connect again by themselves read the variables anew.
const variables = {
  key,
  get since() {
    return since;
  },
};

// A connection that was lost, or a server that is about to stop.
const isPassing = ({ codes, status, close }) =>
  (codes ? codes.includes("UNAVAILABLE") : true) && status !== 401 && close !== 4403;

function follow() {
  let isOver = false;
  const end = (line, again) => {
    if (isOver) return;
    isOver = true;
    print(line);
    if (again) setTimeout(follow, 100);
  };
  stop = subscribe(
    { query, variables },
    {
      next({ platformMetadataChanged: change }) {
        since = change.revision;
        print(change);
      },
      error: (error) => end(error, isPassing(error)),
      complete: () => end({ completed: true }, false),
    },
  );
}

follow();
for await (const line of createInterface({ input: process.stdin })) if (line === "complete") stop();
process.exit();
