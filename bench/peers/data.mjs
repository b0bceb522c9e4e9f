// What a request may load: the caller, and DataLoaders that live as long as the request.

import DataLoader from "dataloader";
import * as postgres from "./postgres.mjs";
import { principal, tenantIds } from "./rules.mjs";
import * as sqlite from "./sqlite.mjs";
import * as token from "./token.mjs";

export function openStore(url) {
  return (url.startsWith("sqlite") ? sqlite : postgres).open(url);
}

/** The context of one request: the caller (null without a valid token), the loaders and the store. */
export async function requestContext(store, authorization) {
  return { caller: await authenticate(store, authorization), store, ...loaders(store) };
}

async function authenticate(store, authorization) {
  const presented = token.parse(authorization);
  const row = presented && (await store.principal(presented.id));
  if (!row || !token.matches(presented.secret, row.digest)) return null;
  return principal({
    id: row.id,
    username: row.username,
    tenantId: row.tenant_id,
    permissions: row.permissions,
    isPlatformOwner: Boolean(row.is_platform_owner),
  });
}

function loaders(store) {
  const user = new DataLoader(async (ids) => inOrder(ids, await store.users(ids), (row) => row.id, toUser));
  const userNamed = new DataLoader(async (names) =>
    inOrder(names, await store.usersNamed(names), (row) => row.username, toUser),
  );
  const platform = new DataLoader(async (keys) =>
    inOrder(keys, await store.platforms(keys), (row) => row.key, toPlatform),
  );
  const badges = new DataLoader(async (ids) => {
    const found = new Map(ids.map((id) => [id, []]));
    for (const row of await store.badges(ids)) {
      found.get(row.user_id).push({ name: row.name, earnedAt: row.earned_at });
    }
    return ids.map((id) => found.get(id));
  });
  const documents = new Map(); // a loader for each platform
  const documentsOn = (platformId) =>
    new DataLoader(async (ids) =>
      inOrder(ids, await store.documents(platformId, ids), (row) => row.user_id, toDocument),
    );
  const document = (platformId, userId) => {
    if (!documents.has(platformId)) documents.set(platformId, documentsOn(platformId));
    return documents.get(platformId).load(userId);
  };
  return { user, userNamed, platform, badges, document };
}

function inOrder(keys, rows, keyOf, convert) {
  const found = new Map(rows.map((row) => [keyOf(row), convert(row)]));
  return keys.map((key) => found.get(key) ?? null);
}

function toDocument(row) {
  return { metadata: row.metadata, revision: row.revision };
}

function toPlatform(row) {
  return { id: row.id, key: row.key, tenantId: row.tenant_id };
}

export function toUser(row) {
  return {
    __typename: "User",
    userId: row.id,
    tenantId: row.tenant_id,
    username: row.username,
    displayName: displayName(row.profile_fields) || row.username,
    image: row.image,
    email: row.email,
    permissions: row.permissions,
    tenantIds: tenantIds(row.tenant_id, row.permissions),
  };
}

function displayName(profile) {
  return [profile.firstName?.value, profile.lastName?.value].filter(Boolean).join(" ");
}
