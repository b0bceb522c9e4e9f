// A page with the web SDK: `start` connects it, `details` evaluates a flag, `events` are those of the provider.
import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";
import { OpenFeature, ProviderEvents } from "@openfeature/web-sdk";

const evaluations = {
  boolean: "getBooleanDetails",
  string: "getStringDetails",
  number: "getNumberDetails",
  object: "getObjectDetails",
};
window.events = [];
for (const name of Object.values(ProviderEvents)) {
  OpenFeature.addHandler(name, (event) => window.events.push([name, event?.flagsChanged ?? null]));
}

window.start = async ({ baseUrl, token, targetingKey, pollInterval }) => {
  await OpenFeature.setContext({ targetingKey });
  const provider = new OFREPWebProvider({
    baseUrl,
    pollInterval,
    headers: [["Authorization", `Bearer ${token}`]],
  });
  try {
    await OpenFeature.setProviderAndWait(provider);
  } catch (error) {
    return error.code ?? String(error.cause ?? error);
  }
  return "READY";
};
window.details = (key, fallback) => OpenFeature.getClient()[evaluations[typeof fallback]](key, fallback);
