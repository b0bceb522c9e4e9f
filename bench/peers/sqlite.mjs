// The statements on SQLite, prepared once for each number of keys: better-sqlite3 on Node, bun:sqlite on Bun.

import { changed, document } from "./changes.mjs";

const Database = globalThis.Bun
  ? (await import("bun:sqlite")).Database
  : (await import("better-sqlite3")).default;

const USER = ["id", "tenant_id", "username", "image", "email", "permissions", "profile_fields"]
  .map((name) => `users.${name}`)
  .join(", ");

const SETTINGS = [
  "journal_mode = WAL",
  "synchronous = FULL",
  "busy_timeout = 5000",
  "foreign_keys = ON",
  "mmap_size = 1073741824",
];

function openDatabase(path) {
  const database = new Database(path);
  for (const setting of SETTINGS) database.exec(`PRAGMA ${setting}`);
  const { journal_mode } = database.prepare("PRAGMA journal_mode").get();
  const { synchronous } = database.prepare("PRAGMA synchronous").get();
  if (journal_mode !== "wal" || synchronous !== 2) throw new Error("SQLite does not write durably");
  return database;
}

export function open(url) {
  const database = openDatabase(url.replace(/^sqlite:\/\//, ""));

  /** A statement over a list of keys: `{}` stands for as many parameters as there are keys. */
  function many(sql) {
    const prepared = [];
    return (keys, ...first) => {
      const { length } = keys;
      prepared[length] ??= database.prepare(sql.replace("{}", Array(length).fill("?").join(", ")));
      return prepared[length].all(...first, ...keys);
    };
  }

  const users = many(`SELECT ${USER} FROM users WHERE id IN ({})`);
  const usersNamed = many(`SELECT ${USER} FROM users WHERE username IN ({})`);
  const platforms = many("SELECT id, key, tenant_id FROM platforms WHERE key IN ({})");
  const badges = many(
    "SELECT user_id, name, earned_at FROM earned_badges WHERE user_id IN ({}) ORDER BY earned_at, name",
  );
  const documents = many("SELECT user_id, metadata, revision FROM documents WHERE platform_id = ? AND user_id IN ({})");
  const members = database.prepare(
    `SELECT ${USER} FROM users JOIN memberships ON memberships.user_id = users.id
     WHERE memberships.tenant_id = ? ORDER BY memberships.user_id LIMIT ?`,
  );
  const principals = many(
    `SELECT access_tokens.id AS token_id, access_tokens.digest, users.id, users.username, users.tenant_id,
       users.permissions, users.is_platform_owner
     FROM access_tokens JOIN users ON users.id = access_tokens.user_id
     WHERE access_tokens.revoked_at IS NULL AND (access_tokens.expires_at IS NULL OR access_tokens.expires_at > ?)
       AND access_tokens.id IN ({})`,
  );
  const entries = many(
    "SELECT user_id, metadata, attributes FROM documents WHERE platform_id = ? AND user_id IN ({})",
  );
  const definitions = many(
    `SELECT platform_id, key, assignment, defaults FROM metadata_definitions WHERE platform_id IN ({})
     ORDER BY platform_id, key`,
  );
  const current = database.prepare(
    "SELECT metadata, attributes, revision FROM documents WHERE user_id = ? AND platform_id = ?",
  );
  const insert = database.prepare(
    `INSERT INTO documents (metadata, attributes, revision, created_at, updated_at, user_id, platform_id)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const update = database.prepare(
    `UPDATE documents SET metadata = ?, attributes = ?, revision = ?, updated_at = ?
     WHERE user_id = ? AND platform_id = ?`,
  );
  const record = database.prepare(
    `INSERT INTO document_changes (user_id, platform_id, revision, actor_id, changed_at, source, changes)
     VALUES (?, ?, ?, ?, ?, 'graphql', ?)`,
  );
  const tell = database.prepare(
    `INSERT INTO events
       (type, tenant_id, platform_id, user_id, actor_id, occurred_at, revision, changed_keys, hidden_keys)
     VALUES ('document.changed', ?, ?, ?, ?, ?, ?, ?, '[]')`,
  );

  function patch(write) {
    const row = current.get(write.userId, write.platform.id);
    const change = changed(row, write);
    if (change) {
      const { userId, platformId, tenantId, actorId, now, revision, metadata, attributes } = change;
      if (row) update.run(metadata, attributes, revision, now, userId, platformId);
      else insert.run(metadata, attributes, revision, now, now, userId, platformId);
      record.run(userId, platformId, revision, actorId, now, change.changes);
      tell.run(tenantId, platformId, userId, actorId, now, revision, change.keys);
    }
    return document(row, change);
  }

  const patchAll = database.transaction((writes) => writes.map(patch));

  return {
    principals: async (ids) => principals(ids, Date.now()),
    users: async (ids) => users(ids),
    usersNamed: async (names) => usersNamed(names),
    platforms: async (keys) => platforms(keys),
    badges: async (ids) => badges(ids),
    documents: async (platformId, ids) => documents(ids, platformId),
    entries: async (platformId, ids) => entries(ids, platformId),
    definitions: async (platformIds) => definitions(platformIds),
    members: async (tenantId, limit) => members.all(tenantId, limit),
    /** Do writes in one transaction, and return the document after each. */
    patchAll: async (writes) => patchAll.immediate(writes),
  };
}
