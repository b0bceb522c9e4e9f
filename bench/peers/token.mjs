// The text form of an access token, `upm_<id>_<secret>_<checksum>`, and the check of its secret.

import { hash, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const TOKEN = /^(?:token|bearer) +(upm_([0-9A-Za-z]{16})_([0-9A-Za-z]{43}))_([0-9A-Za-z]{6})$/i;

/** The id and secret in an Authorization header; null when it holds no token. */
export function parse(header) {
  const match = TOKEN.exec(header ?? "");
  return match !== null && checksum(match[1]) === match[4] ? { id: match[2], secret: match[3] } : null;
}

/** Compare with the stored digest in a time that does not depend on where the two differ. */
export function matches(secret, digest) {
  return timingSafeEqual(hash("sha256", secret, "buffer"), digest);
}

function checksum(text) {
  let number = crc32(text);
  let digits = "";
  for (let i = 0; i < 6; i++) {
    digits = ALPHABET[number % 62] + digits;
    number = Math.floor(number / 62);
  }
  return digits;
}
