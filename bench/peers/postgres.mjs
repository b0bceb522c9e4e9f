// The statements on PostgreSQL: postgres.js on Node, and Bun's own client on Bun, which is faster there. Both prepare
// and pipeline them. Numbers are read as doubles, and JSON as text.

import { changed, document } from "./changes.mjs";

const connect = globalThis.Bun
  ? (url, options) => new Bun.SQL(url, options)
  : (await import("postgres")).default;

/** The text of an array, so that the driver need not know its type. */
function array(items) {
  return `{${items.map((item) => `"${String(item).replace(/["\\]/g, "\\$&")}"`).join(",")}}`;
}

export function open(url) {
  const sql = connect(url, { max: 10, connection: { jit: "off" } });
  const USER = sql`users.id, users.tenant_id, users.username, users.image, users.email,
    users.permissions::text AS permissions, users.profile_fields::text AS profile_fields`;

  function columns(changes, name) {
    return array(changes.map((change) => change[name]));
  }

  /** Store changes with one statement for each table. `last` are the last changes of their documents. */
  function store(transaction, changes, last) {
    const [userIds, platformIds, tenantIds, actorIds, times, revisions] = [
      "userId", "platformId", "tenantId", "actorId", "now", "revision",
    ].map((name) => columns(changes, name));
    return Promise.all([
      transaction`
        INSERT INTO documents (user_id, platform_id, metadata, attributes, revision, created_at, updated_at)
        SELECT user_id, platform_id, metadata, attributes, revision, now, now FROM unnest(
          ${columns(last, "userId")}::text::text[], ${columns(last, "platformId")}::text::text[],
          ${columns(last, "metadata")}::text::json[], ${columns(last, "attributes")}::text::json[],
          ${columns(last, "revision")}::text::bigint[], ${columns(last, "now")}::text::bigint[]
        ) AS each (user_id, platform_id, metadata, attributes, revision, now)
        ON CONFLICT (user_id, platform_id) DO UPDATE SET metadata = excluded.metadata,
          attributes = excluded.attributes, revision = excluded.revision, updated_at = excluded.updated_at`,
      transaction`
        INSERT INTO document_changes (user_id, platform_id, revision, actor_id, changed_at, source, changes)
        SELECT user_id, platform_id, revision, actor_id, now, 'graphql', changes FROM unnest(
          ${userIds}::text::text[], ${platformIds}::text::text[], ${revisions}::text::bigint[],
          ${actorIds}::text::text[], ${times}::text::bigint[], ${columns(changes, "changes")}::text::json[]
        ) AS each (user_id, platform_id, revision, actor_id, now, changes)`,
      transaction`
        INSERT INTO events
          (type, tenant_id, platform_id, user_id, actor_id, occurred_at, revision, changed_keys, hidden_keys)
        SELECT 'document.changed', tenant_id, platform_id, user_id, actor_id, now, revision, keys, '[]' FROM unnest(
          ${tenantIds}::text::text[], ${platformIds}::text::text[], ${userIds}::text::text[],
          ${actorIds}::text::text[], ${times}::text::bigint[], ${revisions}::text::bigint[],
          ${columns(changes, "keys")}::text::json[]
        ) AS each (tenant_id, platform_id, user_id, actor_id, now, revision, keys)`,
    ]);
  }

  async function patchAll(writes) {
    return sql.begin(async (transaction) => {
      const rows = await transaction`
        SELECT user_id, platform_id, metadata::text AS metadata, attributes::text AS attributes, revision
        FROM documents WHERE (user_id, platform_id) IN (SELECT * FROM unnest(
          ${array(writes.map((write) => write.userId))}::text::text[],
          ${array(writes.map((write) => write.platform.id))}::text::text[]))
        ORDER BY user_id, platform_id FOR UPDATE`;
      const current = new Map(rows.map((row) => [`${row.user_id} ${row.platform_id}`, row]));
      const changes = [];
      const documents = writes.map((write) => {
        const key = `${write.userId} ${write.platform.id}`;
        const row = current.get(key);
        const change = changed(row, write);
        if (change) current.set(key, changes[changes.push(change) - 1]);
        return document(row, change);
      });
      if (changes.length) await store(transaction, changes, [...new Set(current.values())].filter((each) => each.now));
      return documents;
    });
  }

  return {
    principals: (ids) => sql`
      SELECT access_tokens.id AS token_id, access_tokens.digest, users.id, users.username, users.tenant_id,
        users.permissions::text AS permissions, users.is_platform_owner
      FROM access_tokens JOIN users ON users.id = access_tokens.user_id
      WHERE access_tokens.id = ANY(${array(ids)}::text::text[]) AND access_tokens.revoked_at IS NULL
        AND (access_tokens.expires_at IS NULL OR access_tokens.expires_at > ${Date.now()})`,
    users: (ids) => sql`SELECT ${USER} FROM users WHERE id = ANY(${array(ids)}::text::text[])`,
    usersNamed: (names) => sql`SELECT ${USER} FROM users WHERE username = ANY(${array(names)}::text::text[])`,
    platforms: (keys) => sql`SELECT id, key, tenant_id FROM platforms WHERE key = ANY(${array(keys)}::text::text[])`,
    badges: (ids) => sql`
      SELECT user_id, name, earned_at::float8 AS earned_at FROM earned_badges
      WHERE user_id = ANY(${array(ids)}::text::text[]) ORDER BY earned_at, name`,
    documents: (platformId, ids) => sql`
      SELECT user_id, metadata::text AS metadata, revision::float8 AS revision FROM documents
      WHERE platform_id = ${platformId} AND user_id = ANY(${array(ids)}::text::text[])`,
    entries: (platformId, ids) => sql`
      SELECT user_id, metadata::text AS metadata, attributes::text AS attributes FROM documents
      WHERE platform_id = ${platformId} AND user_id = ANY(${array(ids)}::text::text[])`,
    definitions: (platformIds) => sql`
      SELECT platform_id, key, assignment::text AS assignment, defaults::text AS defaults FROM metadata_definitions
      WHERE platform_id = ANY(${array(platformIds)}::text::text[]) ORDER BY platform_id, key`,
    members: (tenantId, limit) => sql`
      SELECT ${USER} FROM users JOIN memberships ON memberships.user_id = users.id
      WHERE memberships.tenant_id = ${tenantId} ORDER BY memberships.user_id LIMIT ${limit}`,
    /** Do writes in one transaction, and return the document after each. */
    patchAll,
  };
}
