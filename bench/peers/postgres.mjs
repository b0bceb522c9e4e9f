// The statements on PostgreSQL: postgres.js, which prepares and pipelines them, and decodes JSON columns.

import postgres from "postgres";
import { canonical } from "./rules.mjs";

export function open(url) {
  const sql = postgres(url, {
    max: 10,
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
    connection: { jit: "off" },
  });

  async function patch(userId, platformId, metadata) {
    return sql.begin(async (transaction) => {
      const [row] = await transaction`
        SELECT metadata::text AS text, revision FROM documents
        WHERE user_id = ${userId} AND platform_id = ${platformId} FOR UPDATE`;
      const before = row ? JSON.parse(row.text) : {};
      const after = { ...before, ...metadata };
      const text = canonical(after);
      if (row && text === row.text) return { metadata: before, revision: row.revision };
      const now = Date.now();
      const revision = (row?.revision ?? 0) + 1;
      if (row) {
        await transaction`
          UPDATE documents SET metadata = ${text}::text::json, revision = ${revision}, updated_at = ${now}
          WHERE user_id = ${userId} AND platform_id = ${platformId}`;
      } else {
        await transaction`
          INSERT INTO documents (user_id, platform_id, metadata, revision, created_at, updated_at)
          VALUES (${userId}, ${platformId}, ${text}::text::json, 1, ${now}, ${now})`;
      }
      return { metadata: after, revision };
    });
  }

  return {
    principal: async (id) =>
      (await sql`
        SELECT access_tokens.digest, users.id, users.username, users.tenant_id, users.permissions,
          users.is_platform_owner
        FROM access_tokens JOIN users ON users.id = access_tokens.user_id
        WHERE access_tokens.id = ${id} AND access_tokens.revoked_at IS NULL
          AND (access_tokens.expires_at IS NULL OR access_tokens.expires_at > ${Date.now()})`)[0],
    users: (ids) => sql`SELECT * FROM users WHERE id = ANY(${ids})`,
    usersNamed: (names) => sql`SELECT * FROM users WHERE username = ANY(${names})`,
    platforms: (keys) => sql`SELECT * FROM platforms WHERE key = ANY(${keys})`,
    badges: (ids) => sql`SELECT * FROM earned_badges WHERE user_id = ANY(${ids}) ORDER BY earned_at, name`,
    documents: (platformId, ids) =>
      sql`SELECT user_id, metadata, revision FROM documents WHERE platform_id = ${platformId} AND user_id = ANY(${ids})`,
    members: (tenantId, limit) => sql`
      SELECT users.* FROM users JOIN memberships ON memberships.user_id = users.id
      WHERE memberships.tenant_id = ${tenantId} ORDER BY memberships.user_id LIMIT ${limit}`,
    patch,
  };
}
