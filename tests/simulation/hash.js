import { createHash } from "node:crypto";

/** @param {ArrayBuffer | Uint8Array} content @returns {string} its SHA-256 in hexadecimal digits */
export const sha256 = (content) => createHash("sha256").update(new Uint8Array(content)).digest("hex");
