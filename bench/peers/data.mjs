// What a request may load: the caller, and DataLoaders that live as long as the request.

import DataLoader from "dataloader";
import * as token from "./token.mjs";
import { User } from "./user.mjs";

export async function openStore(url) {
  const module = await import(url.startsWith("sqlite") ? "./sqlite.mjs" : "./postgres.mjs");
  return module.open(url);
}

/** The context of one request: the caller (null without a valid token), the loaders, and how to write. */
export async function requestContext(store, authorization) {
  const rows = (id) => store.principals([id]).then((found) => found[0]);
  return {
    caller: await authenticate(rows, authorization),
    members: async (...page) => (await store.members(...page)).map(toUser),
    metadata: (document) => JSON.parse(document.metadata),
    patch: async (write) => (await store.patchAll([write]))[0],
    ...loaders(store, loaderOfRequest),
  };
}

/** The caller; null without a valid token. `rowOf` finds the row of a token by its id. */
export async function authenticate(rowOf, authorization) {
  const presented = token.parse(authorization);
  const row = presented && (await rowOf(presented.id));
  return row && token.matches(presented.secret, row.digest) ? new User(row) : null;
}

/** What each loader reads: a Map of the values by key. Those of documents take the id of their platform first. */
function reads(store) {
  return {
    user: async (ids) => byKey(await store.users(ids), (row) => row.id, toUser),
    userNamed: async (names) => byKey(await store.usersNamed(names), (row) => row.username, toUser),
    platform: async (keys) => byKey(await store.platforms(keys), (row) => row.key),
    badges: async (ids) => grouped(ids, await store.badges(ids), (row) => row.user_id, toBadge),
    definitions: async (ids) => grouped(ids, await store.definitions(ids), (row) => row.platform_id),
    document: (platformId) => async (ids) => byKey(await store.documents(platformId, ids), (row) => row.user_id),
    entries: (platformId) => async (ids) => byKey(await store.entries(platformId, ids), (row) => row.user_id),
  };
}

/** Functions that load the value of a key; `loader` makes one from what it reads. */
export function loaders(store, loader) {
  const { document, entries, ...read } = reads(store);
  const load = Object.fromEntries(Object.entries(read).map(([name, values]) => [name, loader(values)]));
  return { ...load, document: onPlatform(document, loader), entries: onPlatform(entries, loader) };
}

/** A loader for each platform. */
function onPlatform(values, loader) {
  const loads = {};
  return (platformId, key) => (loads[platformId] ??= loader(values(platformId)))(key);
}

function loaderOfRequest(values) {
  const loader = new DataLoader(async (keys) => {
    const found = await values(keys);
    return keys.map((key) => found.get(key) ?? null);
  });
  return (key) => loader.load(key);
}

function byKey(rows, keyOf, convert = (row) => row) {
  return new Map(rows.map((row) => [keyOf(row), convert(row)]));
}

function grouped(keys, rows, keyOf, convert = (row) => row) {
  const found = new Map(keys.map((key) => [key, []]));
  for (const row of rows) found.get(keyOf(row)).push(convert(row));
  return found;
}

function toBadge(row) {
  return { name: row.name, earnedAt: row.earned_at };
}

export function toUser(row) {
  return new User(row);
}
