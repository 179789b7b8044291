/** @import { Receipt } from "./entries.js" */

/**
 * @typedef {object} Session  what the site says of whoever is signed in now; kept in memory only (row D3)
 * @property {string} csrf_token
 * @property {string} csrf_header
 * @property {string | null} owner
 * @property {string | null} [login_url]
 * @property {number} max_submissions
 * @property {number} max_bytes
 * @property {number} max_submission_bytes
 * @property {number} [part_bytes]  how much of a large file one request takes; 0: a site that takes no parts
 *
 * @typedef {{kind: "failed", isAnswered?: boolean, retryAfter?: number, dislikes?: boolean}} Failed  no usable answer;
 *   `isAnswered`: but some answer; `retryAfter` in seconds;
 *   `dislikes`: somebody between here and the site would not have this request, and may well have another
 *
 * @typedef {{kind: "receipts", receipts: Receipt[]}
 *   | {kind: "malformed" | "too_large" | "unsupported_protocol" | "csrf_failed" | "not_authenticated" | "owner_changed"}
 *   | Failed} Answer
 *
 * @typedef {{id: string, form: string, target: string | null, sha256: string, size: number}} About  a file of an entry
 */

const PROTOCOL = 1;
const PATIENCE = 30000;
// Bytes a millisecond: 64 kbit/s.
const SLOWEST_UPLOAD = 8;
const REFUSALS = new Map([
  [400, ["malformed", "unsupported_protocol"]],
  [403, ["csrf_failed", "not_authenticated"]],
  [409, ["owner_changed"]],
]);
// Request timeout, too early: another time it goes through.
const PASSING = [408, 425];
// Beyond this a Retry-After is more likely somebody else's page than the site's wish, and words would wait for ever.
const LONGEST_RETRY_AFTER = 3600;

/**
 * Protocol 1 over fetch. Whatever is not the site's own JSON is a failed attempt (P5, row B2).
 *
 * @param {object} collaborators
 * @param {typeof fetch} collaborators.fetch
 * @param {{setTimeout: Function, clearTimeout: Function}} collaborators.clock
 * @param {string} collaborators.base  the path where the site mounts offlinesync.urls
 * @param {number} collaborators.longest  milliseconds that one request may take at the most, with its answer. In a worker
 *   it has to be well under the three minutes after which a browser stops an event (row B7)
 */
export function createTransport({ fetch, clock, base, longest }) {
  /**
   * @param {string} path
   * @param {RequestInit} options
   * @param {number} bytes  of the files it carries: a photo takes its time on a bad network
   * @returns {Promise<{status: number, headers: Headers, json: any} | null>}
   */
  async function request(path, options, bytes = 0) {
    return ask(base + path, options, bytes, async (response) => ({
      status: response.status,
      headers: response.headers,
      json: await readJson(response),
    }));
  }

  /**
   * @template T
   * @param {string} url
   * @param {RequestInit} options
   * @param {number} bytes
   * @param {(response: Response) => Promise<T>} read
   * @returns {Promise<T | null>}
   */
  async function ask(url, options, bytes, read) {
    const controller = new AbortController();
    const limit = Math.min(PATIENCE + bytes / SLOWEST_UPLOAD, longest);
    const timer = clock.setTimeout(() => controller.abort(), limit);
    try {
      const response = await fetch(url, {
        ...options,
        cache: "no-store",
        credentials: "same-origin",
        redirect: "manual",
        signal: controller.signal,
      });
      return await read(response);
    } catch {
      // No network, cut off, timed out, not JSON after all: the same to the entry, it stays.
      return null;
    } finally {
      clock.clearTimeout(timer);
      // A body that nobody reads would hold its connection, and six of them the whole site (row B2).
      controller.abort();
    }
  }

  return {
    /** @returns {Promise<{kind: "session", session: Session} | Failed>} */
    async session() {
      const answer = await request("session/", { method: "GET", headers: { Accept: "application/json" } });
      if (answer?.status === 200 && isSession(answer.json)) return { kind: "session", session: answer.json };
      return failed(answer);
    },

    /**
     * Tells the site that somebody has signed out. What came of it, the next session says.
     *
     * @param {Session} session
     * @param {string} url
     */
    async signOut(session, url) {
      const headers = { [session.csrf_header]: session.csrf_token };
      await ask(url, { method: "POST", headers }, 0, async () => null);
    },

    /**
     * @param {Session} session
     * @param {string | null} owner
     * @param {About} about
     * @returns {Promise<{kind: "offset", offset: number} | Answer>} how much of the file the site has
     */
    async arrived(session, owner, about) {
      const answer = await request(pathOf(owner, about), { method: "GET", headers: { Accept: "application/json" } });
      return readOffset(answer, about);
    },

    /**
     * @param {Session} session
     * @param {string | null} owner
     * @param {About & {offset: number}} about
     * @param {ArrayBuffer} part
     * @returns {Promise<{kind: "offset", offset: number} | Answer>} how much of the file the site has then
     */
    async sendPart(session, owner, about, part) {
      const headers = {
        Accept: "application/json",
        "Content-Type": "application/octet-stream",
        [session.csrf_header]: session.csrf_token,
      };
      const answer = await request(pathOf(owner, about), { method: "POST", headers, body: part }, part.byteLength);
      return readOffset(answer, about);
    },

    /**
     * @param {Session} session
     * @param {string | null} owner
     * @param {object[]} submissions
     * @param {{part: string, name: string, type: string, content: ArrayBuffer}[]} files
     * @returns {Promise<Answer>}
     */
    async send(session, owner, submissions, files) {
      const batch = JSON.stringify({ protocol: PROTOCOL, owner, submissions });
      const headers = { Accept: "application/json", [session.csrf_header]: session.csrf_token };
      if (!files.length) headers["Content-Type"] = "application/json";
      const body = files.length ? multipart(batch, files) : batch;
      // Those that have come before, too: the site has to put them together.
      const bytes = submissions.flatMap((submission) => submission.files).reduce((sum, { size }) => sum + (Number(size) || 0), 0);
      const answer = await request("submissions/", { method: "POST", headers, body }, bytes);
      return read(answer);
    },
  };
}

/**
 * @param {string} batch
 * @param {{part: string, name: string, type: string, content: ArrayBuffer}[]} files
 */
function multipart(batch, files) {
  const body = new FormData();
  body.append("batch", new Blob([batch], { type: "application/json" }));
  // A File that was read back from storage uploads nothing on some WebKits, a fresh one does (row A6).
  for (const { part, name, type, content } of files) body.append(part, new File([content], name, { type }), name);
  return body;
}

/** @param {Response} response */
async function readJson(response) {
  const type = response.headers.get("content-type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type)) return null;
  // A broken body still has its status: 413 and Retry-After count whoever says them.
  return response.json().catch(() => null);
}

/** @param {string | null} owner @param {About} about */
function pathOf(owner, about) {
  const known = Object.entries({ owner, ...about }).filter(([, value]) => value !== null);
  return `parts/?${new URLSearchParams(known)}`;
}

function readOffset(answer, { size }) {
  const offset = answer?.status === 200 ? answer.json?.offset : null;
  if (Number.isInteger(offset) && offset >= 0 && offset <= size) return { kind: "offset", offset };
  const told = read(answer);
  // Nothing was submitted (P5).
  return told.kind === "receipts" ? { kind: "failed", isAnswered: true } : told;
}

/** @returns {Answer} */
function read(answer) {
  if (answer?.status === 413) return { kind: "too_large" };
  if (answer?.status === 200 && Array.isArray(answer.json?.receipts)) {
    return { kind: "receipts", receipts: answer.json.receipts };
  }
  const code = answer?.json?.code;
  if (REFUSALS.get(answer?.status)?.includes(code)) return { kind: code };
  return failed(answer);
}

/** @returns {Failed} */
function failed(answer) {
  if (!answer) return { kind: "failed" };
  const { status, headers } = answer;
  if (status === 429 || status === 503) return { kind: "failed", isAnswered: true, retryAfter: readRetryAfter(headers) };
  return { kind: "failed", isAnswered: true, dislikes: status >= 400 && status < 500 && !PASSING.includes(status) };
}

/**
 * Seconds, or a date that is measured against the server's own clock, since the device's may be years off (row B14).
 *
 * @param {Headers} headers
 */
function readRetryAfter(headers) {
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.parse(headers.get("date"))) / 1000;
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), LONGEST_RETRY_AFTER) : undefined;
}

function isSession(json) {
  return (
    Number.isInteger(json?.protocol) &&
    typeof json.csrf_token === "string" &&
    typeof json.csrf_header === "string" &&
    (json.owner === null || typeof json.owner === "string") &&
    [json.max_submissions, json.max_bytes, json.max_submission_bytes].every((limit) => limit > 0)
  );
}
