/** Instants of the server (RFC 3339, UTC) in the fields of a browser, which know the local time only. */

/** Empty if there is no instant. */
export function toLocal(instant: string | null | undefined): string {
  const date = new Date(instant ?? Number.NaN);
  if (Number.isNaN(date.getTime())) return "";
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString();
  // Without seconds, unless there are some: with them, browsers show a field for them.
  return local.slice(0, date.getUTCSeconds() ? 19 : 16);
}

/** Null if the field is empty. */
export const toInstant = (local: string): string | null => (local ? new Date(local).toISOString() : null);
