/** The clock of the server. That of the browser may be hours off, and instants of the server are compared with now. */

/** Milliseconds. Less is the time that a response takes, and the `Date` header has whole seconds. */
const TOLERANCE = 5000;

let ahead = 0;

/** The current instant in milliseconds. */
export const now = (): number => Date.now() + ahead;

/** As `fetch`. Every response tells what time it is. */
export const fetchAndSetClock: typeof fetch = async (...request) => {
  const response = await fetch(...request);
  const difference = Date.parse(response.headers.get("Date") ?? "") - Date.now();
  if (!Number.isNaN(difference)) ahead = Math.abs(difference) > TOLERANCE ? difference : 0;
  return response;
};
