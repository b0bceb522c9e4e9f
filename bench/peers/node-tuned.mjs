// The tuned server on Node, without a framework.

import { createServer } from "node:http";
import { openServer } from "./tuned.mjs";

const server = await openServer();

async function answer({ url, headers }, body) {
  if (url === "/graphql") return server.graphql(headers.authorization, body);
  return server.flags(url.split("/")[2], headers.authorization, body);
}

function respond(request, response) {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", async () => {
    const text = await answer(request, Buffer.concat(chunks));
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
    response.end(text);
  });
}

createServer(respond).listen(Number(process.env.BENCH_PORT), "127.0.0.1");
