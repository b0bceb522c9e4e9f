/**
 * localStorage for GraphiQL's tabs, history and settings, without the headers.
 * Its history plugin saves the headers editor even with `shouldPersistHeaders`
 * off, which would write a token typed there to disk.
 */
export const storage = {
  getItem: (key) => localStorage.getItem(key),
  setItem: (key, value) => localStorage.setItem(key, withoutHeaders(value)),
  removeItem: (key) => localStorage.removeItem(key),
  clear: () => localStorage.clear(),
  get length() {
    return localStorage.length;
  },
};

function withoutHeaders(value) {
  if (!value.includes('"headers"')) return value;
  try {
    return JSON.stringify(JSON.parse(value), (key, item) => (key === "headers" ? null : item));
  } catch {
    return value; // Not JSON: the text of a query, say.
  }
}
