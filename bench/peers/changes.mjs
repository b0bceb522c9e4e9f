// What a patch stores, as gql_service does: the document with its attributes, a row of the history, an event.

import { canonical, sorted } from "./rules.mjs";

/**
 * The columns to store after a patch, by name; null if it changes nothing.
 *
 * `row` is the locked document, which may be missing. Its texts are canonical, and remain so.
 */
export function changed(row, { userId, platform, actorId, metadata }) {
  const now = Date.now();
  let values = JSON.parse(row?.metadata ?? "{}");
  let attributes = JSON.parse(row?.attributes ?? "{}");
  const changes = [];
  let added = false;
  for (const [key, input] of Object.entries(metadata)) {
    const value = canonical(input);
    const exists = Object.hasOwn(values, key);
    if (exists && JSON.stringify(values[key]) === JSON.stringify(value)) continue;
    const before = attributes[key];
    const after = exists
      ? { ...before, updatedAt: now, updatedBy: actorId }
      : { createdAt: now, createdBy: actorId };
    const old = exists ? { ...before, value: values[key] } : undefined;
    changes.push([key, { new: { ...after, value }, old }]);
    values[key] = value;
    attributes[key] = after;
    added ||= !exists;
  }
  if (!changes.length) return null;
  if (added) [values, attributes] = [values, attributes].map((each) => sorted(Object.entries(each)));
  const byKey = sorted(changes);
  return {
    userId,
    platformId: platform.id,
    tenantId: platform.tenant_id,
    actorId,
    now,
    revision: Number(row?.revision ?? 0) + 1,
    metadata: JSON.stringify(values),
    attributes: JSON.stringify(attributes),
    changes: JSON.stringify(byKey),
    keys: JSON.stringify(Object.keys(byKey)),
  };
}

/** The document after a patch, as the operations read it. */
export function document(row, change) {
  return { metadata: (change ?? row)?.metadata ?? "{}", revision: Number((change ?? row)?.revision ?? 0) };
}
