// Reads a document, the next page of its entries, and changes it. Arguments: address, token, platform key.
// Prints what Relay's store contains after each step, as JSON.
import {
  commitMutation,
  createOperationDescriptor,
  Environment,
  fetchQuery,
  getRequest,
  getSingularSelector,
  Network,
  RecordSource,
  Store,
} from "relay-runtime";
import entriesQuery, { type documentEntriesQuery } from "./__generated__/documentEntriesQuery.graphql";
import mutation, { type documentMutation } from "./__generated__/documentMutation.graphql";
import query, { type documentQuery, type documentQuery$data } from "./__generated__/documentQuery.graphql";
import fragment, { type document_entries$data } from "./__generated__/document_entries.graphql";

const [address, token, key] = process.argv.slice(2) as [string, string, string];

const environment = new Environment({
  store: new Store(new RecordSource()),
  network: Network.create(async ({ text }, variables) => {
    const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
    const response = await fetch(address, {
      method: "POST",
      headers,
      body: JSON.stringify({ query: text, variables }),
    });
    return response.json();
  }),
});
const operation = createOperationDescriptor(getRequest(query), { key });
environment.retain(operation);

function stored() {
  const { platformMetadata } = environment.lookup(operation.fragment).data as documentQuery$data;
  if (!platformMetadata) throw new Error("The store has no document.");
  const selector = getSingularSelector(fragment, platformMetadata);
  if (!selector) throw new Error("The store has no entries.");
  const { entries } = environment.lookup(selector).data as document_entries$data;
  if (!entries) throw new Error("The entries were refused.");
  const { id, revision, metadata } = platformMetadata;
  // @ts-expect-error: a JSONObject is no text
  metadata satisfies string;
  return { id, revision, metadata, entries: entries.edges.map(({ node }) => [node.metadataKey, node.value]) };
}

async function main() {
  await fetchQuery<documentQuery>(environment, query, { key }).toPromise();
  const first = stored();
  const cursor = environment.getStore().getSource().get(`client:${first.id}:__document_entries_connection:pageInfo`);
  await fetchQuery<documentEntriesQuery>(environment, entriesQuery, {
    id: first.id,
    count: 2,
    cursor: cursor?.["endCursor"] as string,
  }).toPromise();
  const second = stored();
  await new Promise((resolve, reject) =>
    commitMutation<documentMutation>(environment, {
      mutation,
      variables: { input: { platformKey: key, metadata: { a: { changed: true } } } },
      onCompleted: resolve,
      onError: reject,
    }),
  );
  console.log(JSON.stringify([first, second, stored()]));
}

main();
