// The rules of access and of metadata that the benchmark's operations meet.

import { GraphQLError } from "graphql";

const MAX_KEY_LENGTH = 255;
const MAX_VALUE_SIZE = 128 * 1024;

function refuse(message, code) {
  throw new GraphQLError(message, { extensions: { code } });
}

export function requireCaller(caller) {
  return caller ?? refuse("Authentication credentials were not provided or are invalid.", "UNAUTHENTICATED");
}

export function requireAdmin(caller, tenantId) {
  if (!caller.administers(tenantId)) refuse("Only tenant admins may do this.", "FORBIDDEN");
}

export function requireSelf(caller, user) {
  if (caller.userId !== user.userId) requireAdmin(caller, user.tenantId);
}

/** The platform, if the caller may know of it. */
export function requirePlatform(caller, platform) {
  if (platform && (caller.isPlatformOwner || caller.belongsTo(platform.tenant_id))) return platform;
  return refuse("Platform not found", "NOT_FOUND");
}

/** Only admins and the user may open a document, and only of a member of the platform. */
export function requireDocument(caller, platform, user) {
  const own = user && user.userId === caller.userId;
  if (!own) requireAdmin(caller, platform.tenant_id);
  if (!user || !(own || user.belongsTo(platform.tenant_id))) refuse("User not found", "NOT_FOUND");
}

/** An equal value whose keys are sorted, so that equal values have the same text. */
export function canonical(value) {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(canonical);
  return sorted(Object.entries(value).map(([key, each]) => [key, canonical(each)]));
}

/** An object with its members in the order of their keys. */
export function sorted(members) {
  return Object.fromEntries(members.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** What is wrong with metadata given for writing; null when nothing is. */
export function problem(metadata) {
  for (const [key, value] of Object.entries(metadata)) {
    if (!key || key.length > MAX_KEY_LENGTH || key.includes("\0") || key !== key.trim()) return "A key is invalid.";
    if (JSON.stringify(value).length > MAX_VALUE_SIZE) return "A value is too large.";
  }
  return null;
}
