// The statements on SQLite: better-sqlite3, prepared once for each number of keys.

import Database from "better-sqlite3";
import { canonical } from "./rules.mjs";

export function open(url) {
  const database = new Database(url.replace(/^sqlite:\/\//, ""));
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  database.pragma("busy_timeout = 5000");
  database.pragma("foreign_keys = ON");

  /** A statement over a list of keys: `{}` stands for as many parameters as there are keys. */
  function many(sql) {
    const prepared = new Map();
    return (keys, ...first) => {
      let statement = prepared.get(keys.length);
      if (!statement) {
        statement = database.prepare(sql.replace("{}", keys.map(() => "?").join(", ")));
        prepared.set(keys.length, statement);
      }
      return statement.all(...first, ...keys);
    };
  }

  const users = many("SELECT * FROM users WHERE id IN ({})");
  const usersNamed = many("SELECT * FROM users WHERE username IN ({})");
  const platforms = many("SELECT * FROM platforms WHERE key IN ({})");
  const badges = many("SELECT * FROM earned_badges WHERE user_id IN ({}) ORDER BY earned_at, name");
  const documents = many("SELECT user_id, metadata, revision FROM documents WHERE platform_id = ? AND user_id IN ({})");
  const members = database.prepare(
    `SELECT users.* FROM users JOIN memberships ON memberships.user_id = users.id
     WHERE memberships.tenant_id = ? ORDER BY memberships.user_id LIMIT ?`,
  );
  const principal = database.prepare(
    `SELECT access_tokens.digest, users.id, users.username, users.tenant_id, users.permissions,
       users.is_platform_owner
     FROM access_tokens JOIN users ON users.id = access_tokens.user_id
     WHERE access_tokens.id = ? AND access_tokens.revoked_at IS NULL
       AND (access_tokens.expires_at IS NULL OR access_tokens.expires_at > ?)`,
  );
  const current = database.prepare("SELECT metadata, revision FROM documents WHERE user_id = ? AND platform_id = ?");
  const insert = database.prepare(
    "INSERT INTO documents (user_id, platform_id, metadata, revision, created_at, updated_at) VALUES (?, ?, ?, 1, ?, ?)",
  );
  const update = database.prepare(
    "UPDATE documents SET metadata = ?, revision = ?, updated_at = ? WHERE user_id = ? AND platform_id = ?",
  );

  const patch = database.transaction((userId, platformId, metadata) => {
    const row = current.get(userId, platformId);
    const before = row ? JSON.parse(row.metadata) : {};
    const after = { ...before, ...metadata };
    const text = canonical(after);
    if (row && text === row.metadata) return { metadata: before, revision: row.revision };
    const now = Date.now();
    const revision = (row?.revision ?? 0) + 1;
    if (row) update.run(text, revision, now, userId, platformId);
    else insert.run(userId, platformId, text, now, now);
    return { metadata: after, revision };
  });

  return {
    principal: async (id) => withJson(principal.get(id, Date.now()), "permissions"),
    users: async (ids) => users(ids).map(userRow),
    usersNamed: async (names) => usersNamed(names).map(userRow),
    platforms: async (keys) => platforms(keys),
    badges: async (ids) => badges(ids),
    documents: async (platformId, ids) => documents(ids, platformId).map((row) => withJson(row, "metadata")),
    members: async (tenantId, limit) => members.all(tenantId, limit).map(userRow),
    patch: async (userId, platformId, metadata) => patch.immediate(userId, platformId, metadata),
  };
}

function userRow(row) {
  return withJson(withJson(row, "permissions"), "profile_fields");
}

function withJson(row, column) {
  if (row) row[column] = JSON.parse(row[column]);
  return row;
}
