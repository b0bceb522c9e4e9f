// The rules of access and of metadata that the benchmark's operations meet.

import { GraphQLError } from "graphql";

const MAX_KEY_LENGTH = 255;
const MAX_VALUE_SIZE = 128 * 1024;

function refuse(message, code) {
  throw new GraphQLError(message, { extensions: { code } });
}

/** The caller, with every tenant they are a member of. */
export function principal(row) {
  return { ...row, held: new Set(row.permissions), tenantIds: tenantIds(row.tenantId, row.permissions) };
}

export function tenantIds(tenantId, permissions) {
  return new Set([tenantId, ...permissions.map((permission) => permission.split("::", 1)[0])]);
}

export function requireCaller(caller) {
  return caller ?? refuse("Authentication credentials were not provided or are invalid.", "UNAUTHENTICATED");
}

export function administers(caller, tenantId) {
  return caller.isPlatformOwner || caller.held.has(`${tenantId}::admin`);
}

export function requireAdmin(caller, tenantId) {
  if (!administers(caller, tenantId)) refuse("Only tenant admins may do this.", "FORBIDDEN");
}

/** Whether the caller shares a tenant with a user. */
export function seesUser(caller, user) {
  if (caller.isPlatformOwner) return true;
  for (const id of user.tenantIds) if (caller.tenantIds.has(id)) return true;
  return false;
}

export function requireSelf(caller, user) {
  if (caller.id !== user.userId) requireAdmin(caller, user.tenantId);
}

/** The platform, if the caller may know of it. */
export function requirePlatform(caller, platform) {
  if (platform && (caller.isPlatformOwner || caller.tenantIds.has(platform.tenantId))) return platform;
  return refuse("Platform not found", "NOT_FOUND");
}

/** Only admins and the user may open a document, and only of a member of the platform. */
export function requireDocument(caller, platform, user) {
  const own = user && user.userId === caller.id;
  if (!own) requireAdmin(caller, platform.tenantId);
  if (!user || !(own || user.tenantIds.has(platform.tenantId))) refuse("User not found", "NOT_FOUND");
}

/** The text that equal values share: sorted keys, no white space. */
export function canonical(value) {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const members = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
  return `{${members.join(",")}}`;
}

/** What is wrong with metadata given for writing; null when nothing is. */
export function problem(metadata) {
  for (const [key, value] of Object.entries(metadata)) {
    if (!key || key.length > MAX_KEY_LENGTH || key.includes("\0") || key !== key.trim()) return "A key is invalid.";
    if (canonical(value).length > MAX_VALUE_SIZE) return "A value is too large.";
  }
  return null;
}
