// The flags of the caller by OFREP: own entries that an admin has set, then variants, then defaults.

import { createHash } from "node:crypto";
import { requireAdmin, requireCaller, requirePlatform } from "./rules.mjs";

const BUCKETS = 100_000n;
export async function evaluateFlags(context, platformKey, { context: { targetingKey } }) {
  const caller = requireCaller(context.caller);
  const platform = requirePlatform(caller, await context.platform(platformKey));
  if (targetingKey !== caller.userId && targetingKey !== caller.username) requireAdmin(caller, platform.tenant_id);
  const [entries, definitions] = await Promise.all([
    context.entries(platform.id, caller.userId),
    context.definitions(platform.id),
  ]);
  const values = entries ? JSON.parse(entries.metadata) : {};
  const attributes = entries ? JSON.parse(entries.attributes) : {};
  const flags = [];
  for (const { key, ...texts } of definitions) {
    if (parsed(texts.defaults).category !== "feature_flags") continue;
    flags.push({ key, ...flag(platform.id, key, parsed(texts.assignment), caller, values, attributes) });
  }
  return { flags };
}

function flag(platformId, key, assignment, caller, values, attributes) {
  if (assignment.enabled === false) return { reason: "DISABLED", variant: "default", value: assignment.default ?? null };
  if (key in values && attributes[key]?.isEditable === false) {
    return { reason: "TARGETING_MATCH", variant: "override", value: values[key] };
  }
  const found = assignment.variants && variantOf(platformId, key, assignment, caller);
  if (found) return { reason: "SPLIT", variant: found.name, value: found.value };
  return { reason: "STATIC", variant: "default", value: assignment.default ?? null };
}

function variantOf(platformId, key, { salt = "", variants }, caller) {
  const text = JSON.stringify([platformId, key, salt, caller.userId]);
  const bucket = Number(createHash("sha256").update(text).digest().readBigUInt64BE() % BUCKETS);
  return variants.find(({ ranges }) => ranges.some(([start, end]) => start <= bucket && bucket < end));
}

const known = new Map();

/** JSON that many requests need is parsed once. */
function parsed(text) {
  let value = known.get(text);
  if (value === undefined) known.set(text, (value = JSON.parse(text)));
  return value;
}
