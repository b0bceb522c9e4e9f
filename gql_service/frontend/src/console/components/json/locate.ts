/** Where the parts of a JSON text are, by their JSON Pointers: first and last character. */
import { escaped } from "./schema";

export type Place = readonly [start: number, end: number];

/** @param text Valid JSON. */
export function locate(text: string): Map<string, Place> {
  const places = new Map<string, Place>();
  let at = 0;

  function skipSpace(): void {
    while (at < text.length && " \t\r\n".includes(text.charAt(at))) at++;
  }

  function readString(): string {
    const start = at++;
    while (text.charAt(at) !== '"') at += text.charAt(at) === "\\" ? 2 : 1;
    return JSON.parse(text.slice(start, ++at)) as string;
  }

  function readValue(path: string): void {
    skipSpace();
    const start = at;
    const first = text.charAt(at);
    if (first === "{" || first === "[") readParts(path, first === "{");
    else if (first === '"') readString();
    else while (at < text.length && !/[\s,\]}]/.test(text.charAt(at))) at++;
    places.set(path, [start, at]);
  }

  function readParts(path: string, isObject: boolean): void {
    at++;
    skipSpace();
    for (let index = 0; !"]}".includes(text.charAt(at)); index++) {
      let name = String(index);
      if (isObject) {
        name = escaped(readString());
        skipSpace();
        at++; // the colon
      }
      readValue(`${path}/${name}`);
      skipSpace();
      if (text.charAt(at) === ",") at++;
      skipSpace();
    }
    at++;
  }

  try {
    readValue("");
  } catch {
    // Nested too deep for this: the whole text is the place then.
  }
  return places;
}

export const lineOf = (text: string, position: number): number => text.slice(0, position).split("\n").length;
