import { SIGN_OUT } from "./network.js";
import { answerFor } from "./site.js";
import { valueOf } from "./witness.js";

const MAX_SUBMISSIONS = 100;
const BUSY_SECONDS = 2;
const BUG_SECONDS = 60;

/**
 * A site that speaks protocol 1, in one piece and without a database. `wire.json` holds it to what the real one answers.
 * Its one form is the tests' own, "note": the field `behaviour` says what goes wrong with it.
 *
 * @param {object} collaborators
 * @param {(effect: {owner: string, id: string, title: string, group: string | null}) => void} collaborators.onEffect
 * @param {() => string} collaborators.newToken
 * @param {Record<string, boolean>} [collaborators.faulty]  what a mutant has taken away: `constraint`, `owner`
 */
export function createServer({ onEffect, newToken, faulty = {} }) {
  /** The ledger: one row for an owner and an id, for ever. @type {Map<string, {digest: string, result: object}>} */
  const ledger = new Map();
  /** The tokens of those who have signed out, or in again. @type {Set<string>} */
  const ended = new Set();
  let isMended = false;

  const userOf = ({ user, token }) => (ended.has(token) ? null : user);

  const refusal = (status, code, headers = {}) => ({ status, headers, json: { code, detail: `${code}.` } });

  function session({ user, token }) {
    const json = { protocol: 1, csrf_token: token, csrf_header: "X-CSRFToken", owner: user, login_url: "/accounts/login/" };
    Object.assign(json, { max_submissions: MAX_SUBMISSIONS, max_bytes: 2621440, max_submission_bytes: 52428800 });
    return { status: 200, headers: {}, json };
  }

  function submissions({ user, token }, { headers, batch, parts = new Map() }) {
    if (headers["X-CSRFToken"] !== token) return refusal(403, "csrf_failed");
    if (!Number.isInteger(batch?.protocol)) return refusal(400, "malformed");
    if (batch.protocol !== 1) return refusal(400, "unsupported_protocol");
    if (!Array.isArray(batch.submissions) || !batch.submissions.length) return refusal(400, "malformed");
    if (batch.submissions.length > MAX_SUBMISSIONS) return refusal(413, "too_large");
    if (batch.owner !== null && typeof batch.owner !== "string") return refusal(400, "malformed");
    if (!areWellFormed(batch.submissions)) return refusal(400, "malformed");
    if (!faulty.owner && batch.owner !== null) {
      if (user === null) return refusal(403, "not_authenticated");
      if (user !== batch.owner) return refusal(409, "owner_changed");
    }
    const poison = batch.submissions.find((submission) => !isMended && behaviourOf(submission).startsWith("site: "));
    if (poison) return POISON[behaviourOf(poison)]();
    return { status: 200, headers: {}, json: { receipts: ingest(batch.owner === null ? "" : user, batch.submissions, parts) } };
  }

  /** What Django's own view does: the cookie is nobody's from then on, and its token stays good. */
  function signOut({ token }, { method, headers }) {
    if (method !== "POST") return { status: 405, headers: {}, text: "" };
    if (headers["X-CSRFToken"] !== token) return { status: 403, headers: {}, text: "<h1>Forbidden</h1>" };
    ended.add(token);
    return { status: 302, headers: {}, text: "" };
  }

  function ingest(owner, list, parts) {
    const brokenGroups = new Set();
    return list.map((submission) => {
      const receipt = { id: submission.id, ...one(owner, submission, parts, brokenGroups) };
      if (receipt.status !== "accepted" && submission.group) brokenGroups.add(submission.group);
      return receipt;
    });
  }

  function one(owner, submission, parts, brokenGroups) {
    const key = `${owner}/${submission.id}`;
    const kept = faulty.constraint ? undefined : ledger.get(key);
    const digest = digestOf(submission, parts);
    const isComplete = submission.files.every(({ part, size }) => parts.get(part)?.byteLength === size);
    if (isComplete && kept?.digest === digest) return { status: "accepted", result: kept.result, replayed: true };
    if (brokenGroups.has(submission.group)) return deferred("group", BUSY_SECONDS);
    if (!isComplete) return deferred("incomplete_file", 30);
    if (kept) return { status: "rejected", code: "id_reuse", ...(owner ? { result: kept.result } : {}) };
    const refused = validate(owner, submission);
    if (refused) return refused;
    const result = {};
    ledger.set(key, { digest, result });
    onEffect({ owner, id: submission.id, title: valueOf(submission, "title"), group: submission.group ?? null });
    return { status: "accepted", result, replayed: false };
  }

  function validate(owner, submission) {
    if (!["note", "private note"].includes(submission.form)) return { status: "rejected", code: "unknown_form" };
    if (submission.form === "private note" && !owner) return { status: "rejected", code: "forbidden" };
    switch (behaviourOf(submission)) {
      case "validate: refuse":
        return { status: "rejected", code: "invalid", errors: { title: [{ message: "Not this one.", code: "" }] } };
      case "validate: deny":
        return { status: "rejected", code: "forbidden" };
      case "save: fail":
        return isMended ? null : deferred("handler_error", BUG_SECONDS);
      default:
        return null;
    }
  }

  return {
    /** @param {{method: string, path: string, headers: object, batch?: object, parts?: Map<string, ArrayBuffer>}} request */
    handle(cookie, request) {
      const known = { ...cookie, user: userOf(cookie) };
      if (request.path.endsWith("session/")) return session(known);
      if (request.path.endsWith("submissions/")) return submissions(known, request);
      if (request.path === SIGN_OUT) return signOut(known, request);
      return answerFor(request, known.user, ledger.size);
    },

    /**
     * @param {string | null} user
     * @param {{token: string}} [before]  the cookie that is no good from then on
     * @returns {{user: string | null, token: string}} the cookie; Django changes the token (row D3)
     */
    sign(user, before) {
      if (before) ended.add(before.token);
      return { user, token: newToken() };
    },

    /** @returns {string | null} who is signed in with this cookie */
    userOf,

    /** The site's developers have found the bugs. */
    mend() {
      isMended = true;
    },
  };
}

const POISON = {
  "site: crash": () => ({ status: 500, headers: {}, text: "<h1>Server Error</h1>" }),
  "site: 413": () => ({ status: 413, headers: {}, text: "<h1>Too large</h1>" }),
  "site: malformed": () => ({ status: 400, headers: {}, json: { code: "malformed", detail: "malformed." } }),
  "site: firewall": () => ({ status: 403, headers: {}, text: "<h1>Forbidden</h1>" }),
};

const behaviourOf = (submission) => valueOf(submission, "behaviour");
const deferred = (code, seconds) => ({ status: "deferred", code, retry_after: seconds });

function areWellFormed(submissions) {
  const ids = submissions.map(({ id }) => id);
  const isId = (id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id);
  const hasTexts = ({ form, fields, files }) => typeof form === "string" && Array.isArray(fields) && Array.isArray(files);
  return new Set(ids).size === ids.length && ids.every(isId) && submissions.every(hasTexts);
}

function digestOf({ form, language, time_zone, target, base_version, fields, data, files }, parts) {
  const contents = files.map(({ field, part, name, type, size }) => [field, name, type, size, firstByte(parts.get(part))]);
  return JSON.stringify([form, language, time_zone, target, base_version, fields, data, contents]);
}

/** The files of the simulation differ in their first byte. */
const firstByte = (content) => (content?.byteLength ? new Uint8Array(content)[0] : null);
