import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

import { SIGN_OUT } from "./network.js";
import { createServer } from "./server.js";

const TABLE = JSON.parse(readFileSync(new URL("wire.json", import.meta.url), "utf8"));

/**
 * Holds the model server to the table that tests/python/test_model_server.py holds the real one to.
 *
 * @returns {string[]} where it answers otherwise
 */
export function differencesOfModel() {
  return TABLE.flatMap(({ name, exchanges }) => {
    let tokens = 0;
    const server = createServer({ onEffect() {}, newToken: () => `token ${++tokens}` });
    const cookies = new Map();
    return exchanges.flatMap((exchange) => {
      const { user } = exchange;
      if (!cookies.has(user)) cookies.set(user, server.sign(user));
      const found = outline(ask(server, cookies.get(user), exchange));
      if (isDeepStrictEqual(found, exchange.answer)) return [];
      return [`${name}: ${JSON.stringify(found)} instead of ${JSON.stringify(exchange.answer)}`];
    });
  });
}

function ask(server, cookie, { sign_out: isSignOut = false, batch, part, content, token = "right", parts = {}, repeat = 1 }) {
  const headers = { "X-CSRFToken": token === "right" ? cookie.token : token };
  if (isSignOut) return server.handle(cookie, { method: "POST", path: SIGN_OUT, headers });
  if (part) {
    const query = Object.fromEntries(Object.entries(part).map(([name, value]) => [name, String(value)]));
    const body = content && filled(content);
    return server.handle(cookie, { method: content ? "POST" : "GET", path: "/offlinesync/parts/", headers, query, body });
  }
  if (!batch) return server.handle(cookie, { method: "GET", path: "/offlinesync/session/" });
  return server.handle(cookie, {
    method: "POST",
    path: "/offlinesync/submissions/",
    headers,
    batch: { ...batch, submissions: Array(repeat).fill(batch.submissions).flat() },
    parts: new Map(Object.entries(parts).map(([name, content]) => [name, filled(content)])),
  });
}

const filled = ([byte, size]) => new Uint8Array(size).fill(byte).buffer;

/** Everything that a device goes by, and no texts. */
function outline({ status, json: { receipts, owner, code, offset } = {} }) {
  if (receipts) return { status, receipts: receipts.map(outlineOfReceipt) };
  if (offset !== undefined) return { status, offset };
  return { status, ...(owner !== undefined && { owner }), ...(code !== undefined && { code }) };
}

function outlineOfReceipt({ id, status, code, replayed, errors, result }) {
  return {
    id,
    status,
    ...(code !== undefined && { code }),
    ...(replayed !== undefined && { replayed }),
    ...(errors && { errors: Object.keys(errors).sort() }),
    ...(status === "rejected" && result && { result: true }),
  };
}
