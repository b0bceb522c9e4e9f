/** Instants of the server (RFC 3339, UTC) in the fields of a browser, which know the local time only. */

export function toLocal(instant: string): string {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return "";
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

export const toInstant = (local: string): string => new Date(local).toISOString();
