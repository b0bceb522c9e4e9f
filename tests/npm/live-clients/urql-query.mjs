// Sends a query with urql, as it is set up by default. Arguments: the address of the service, and a token.
// Prints the header `Accept` that was sent, the content type of the response, and what urql makes of it.
import { gql } from "@apollo/client";
import { Client, fetchExchange } from "@urql/core";

const [url, token] = process.argv.slice(2);
let accept, contentType;

const client = new Client({
  url,
  preferGetMethod: false,
  exchanges: [fetchExchange],
  fetchOptions: { headers: { Authorization: `Token ${token}` } },
  fetch: async (address, options) => {
    const response = await fetch(address, options);
    accept = options.headers.accept;
    contentType = response.headers.get("content-type");
    return response;
  },
});
const { data, hasNext } = await client.query(gql("query Me { me { username } }"), {}).toPromise();
console.log(JSON.stringify({ accept, contentType, username: data.me.username, hasNext }));
