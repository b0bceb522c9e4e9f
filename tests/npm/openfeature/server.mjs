// Evaluates flags with the server SDK. Standard input: `{ baseUrl, token, targetingKey, flags: [[key, default]] }`.
// Prints the details of each flag, in this order.
import { OFREPProvider } from "@openfeature/ofrep-provider";
import { OpenFeature } from "@openfeature/server-sdk";
import { readFileSync } from "node:fs";

const { baseUrl, token, targetingKey, flags } = JSON.parse(readFileSync(0, "utf8"));
const provider = new OFREPProvider({ baseUrl, headers: [["Authorization", `Bearer ${token}`]] });
await OpenFeature.setProviderAndWait(provider);
const client = OpenFeature.getClient();
const evaluations = {
  boolean: "getBooleanDetails",
  string: "getStringDetails",
  number: "getNumberDetails",
  object: "getObjectDetails",
};

const details = [];
for (const [key, fallback] of flags) {
  details.push(await client[evaluations[typeof fallback]](key, fallback, { targetingKey }));
}
process.stdout.write(JSON.stringify(details));
