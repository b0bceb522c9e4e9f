/**
 * localStorage for GraphiQL's tabs, history and settings, without the headers.
 * Its history plugin saves the headers editor even with `shouldPersistHeaders`
 * off, which would write a token typed there to disk.
 */
export const storage = {
  getItem: (key: string) => localStorage.getItem(key),
  setItem: (key: string, value: string) => localStorage.setItem(key, withoutHeaders(value)),
  removeItem: (key: string) => localStorage.removeItem(key),
  clear: () => localStorage.clear(),
  get length() {
    return localStorage.length;
  },
};

function withoutHeaders(value: string): string {
  if (!value.includes('"headers"')) return value;
  try {
    return JSON.stringify(JSON.parse(value), (key, item: unknown) => (key === "headers" ? null : item));
  } catch {
    return value; // Not JSON: the text of a query, say.
  }
}
