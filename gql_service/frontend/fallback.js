import { isSubscription, observe } from "./event-stream.js";

// GraphiQL 4 is the last release with a file browsers can load without a build.
// The hashes are those of the files in the npm packages, which the CDN serves unchanged.
const CDN = "https://cdn.jsdelivr.net/npm/";
const STYLE = [
  "graphiql@4.1.2/dist/style.css",
  "sha384-1el1QShFBnnXTx9x/Cprg82hZWKt0ry29OAYIXt05swbi0KcZDFoj0CWguMpopJr",
];
const SCRIPTS = [
  [
    "react@18.3.1/umd/react.production.min.js",
    "sha384-DGyLxAyjq0f9SPpVevD6IgztCFlnMF6oW/XQGmfe+IsZ8TqEiDrcHkMLKI6fiB/Z",
  ],
  [
    "react-dom@18.3.1/umd/react-dom.production.min.js",
    "sha384-gTGxhz21lVGYNMcdJOyq01Edg0jhn/c22nsx0kyqP0TxaV5WVdsSH1fSDUf5YJj1",
  ],
  [
    "graphiql@4.1.2/dist/index.umd.js",
    "sha384-9XdHu7ajgGJziD4J1zNBKQ842Q/+zZfDv+ib1eMhZWBH6hPAs806x+Jbcf0yNO6B",
  ],
];

const $ = (id) => document.getElementById(id);
let token = null; // Kept nowhere else: a reload forgets it.

// Nor is anything else kept: GraphiQL's history would save the headers editor, with any token in it.
const items = new Map();
const memory = {
  getItem: (key) => items.get(key) ?? null,
  setItem: (key, value) => items.set(key, value),
  removeItem: (key) => items.delete(key),
  clear: () => items.clear(),
  get length() {
    return items.size;
  },
};

function load(tag, attributes) {
  return new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement(tag), attributes, { crossOrigin: "anonymous" });
    element.onload = resolve;
    element.onerror = () => reject(new Error(`Could not load ${attributes.src ?? attributes.href}`));
    document.head.append(element);
  });
}

function send(operation, bearer, extraHeaders, accept, signal) {
  const headers = new Headers({ "Content-Type": "application/json", Accept: accept, "GraphQL-Preflight": "1" });
  if (bearer) headers.set("Authorization", `Bearer ${bearer}`);
  for (const [name, value] of Object.entries(extraHeaders)) headers.set(name, value);
  return fetch(location.pathname, { method: "POST", headers, body: JSON.stringify(operation), signal });
}

async function post(operation, bearer, extraHeaders = {}) {
  const accept = "application/graphql-response+json, application/json;q=0.9";
  return (await send(operation, bearer, extraHeaders, accept)).json();
}

const run = (operation, { headers = {}, documentAST } = {}) =>
  isSubscription(operation, documentAST)
    ? observe((signal) => send(operation, token, headers, "text/event-stream", signal))
    : post(operation, token, headers);

// GraphiQL 4 marks the objects and lists in variables of any custom scalar as errors. Its CodeMirror is only reachable
// from an editor, which it adds to the page some time after it was rendered.
const FALSE_ERROR = /^Expected value of type "(JSON|JSONObject|_Any)!?"\.$/;

function acceptJsonInVariables() {
  const CodeMirror = document.querySelector(".CodeMirror")?.CodeMirror.constructor;
  const check = CodeMirror?.lint?.["graphql-variables"];
  if (!check) return setTimeout(acceptJsonInVariables, 100);
  CodeMirror.registerHelper("lint", "graphql-variables", (...args) =>
    check(...args).filter(({ message }) => !FALSE_ERROR.test(message)),
  );
}

$("load-from-cdn").addEventListener("click", async ({ target }) => {
  target.disabled = true;
  $("load-error").textContent = "";
  try {
    await load("link", { rel: "stylesheet", href: CDN + STYLE[0], integrity: STYLE[1] });
    for (const [path, integrity] of SCRIPTS) await load("script", { src: CDN + path, integrity });
  } catch (error) {
    $("load-error").textContent = error.message;
    target.disabled = false;
    return;
  }
  $("notice").hidden = true;
  $("explorer").hidden = false;
  const { React, ReactDOM, GraphiQL } = window;
  ReactDOM.createRoot($("graphiql")).render(
    React.createElement(GraphiQL, {
      fetcher: run,
      defaultQuery: "query Me {\n  me {\n    username\n    displayName\n  }\n}\n",
      storage: memory,
      shouldPersistHeaders: false,
      showPersistHeadersSettings: false,
    }),
  );
  acceptJsonInVariables();
});

$("sign-in-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const input = $("access-token");
  const candidate = input.value.trim();
  const status = $("signed-in-as");
  status.className = "";
  if (token) {
    token = null;
    status.textContent = "Signed out";
  } else if (candidate) {
    try {
      const { data, errors } = await post({ query: "{ me { username displayName } }" }, candidate);
      if (!data?.me) throw new Error(errors?.[0]?.message ?? "The server does not know this access token.");
      token = candidate;
      status.textContent = `Signed in as ${data.me.displayName} (${data.me.username})`;
      input.value = "";
    } catch (error) {
      status.className = "failed";
      status.textContent = error.message;
    }
  }
  input.hidden = document.querySelector("label").hidden = token !== null;
  $("sign-in").textContent = token ? "Sign out" : "Sign in";
});
