import { sha256 } from "./hash.js";
import { PARTS, SIGN_OUT } from "./network.js";
import { answerFor } from "./site.js";
import { valueOf } from "./witness.js";

const MAX_SUBMISSIONS = 100;
const PART_BYTES = 16;
const BUSY_SECONDS = 2;
const BUG_SECONDS = 60;

/**
 * A site that speaks protocol 1, in one piece and without a database. `wire.json` holds it to what the real one answers.
 * Its form is the tests' own, "note": the field `behaviour` says what goes wrong with it. "edited note" is about another.
 *
 * @param {object} collaborators
 * @param {(effect: {owner: string, id: string, title: string, group: string | null,
 *   about: string | null, sums: string[]}) => void} collaborators.onEffect
 * @param {(submission: object) => void} [collaborators.onUnknown]  what it is about is not there
 * @param {() => string} collaborators.newToken
 * @param {Record<string, boolean>} [collaborators.faulty]  what a mutant has taken away: `constraint`, `owner`
 */
export function createServer({ onEffect, onUnknown = () => {}, newToken, faulty = {} }) {
  /** The ledger: one row for an owner and an id, for ever. @type {Map<string, {digest: string, result: object}>} */
  const ledger = new Map();
  /** What has come of large files. @type {Map<string, Uint8Array>} */
  const uploads = new Map();
  /** The tokens of those who have signed out, or in again. @type {Set<string>} */
  const ended = new Set();
  let isMended = false;

  const userOf = ({ user, token }) => (ended.has(token) ? null : user);

  const refusal = (status, code, headers = {}) => ({ status, headers, json: { code, detail: `${code}.` } });

  function session({ user, token }) {
    const json = { protocol: 1, csrf_token: token, csrf_header: "X-CSRFToken", owner: user, login_url: "/accounts/login/" };
    Object.assign(json, { max_submissions: MAX_SUBMISSIONS, max_bytes: 2621440, max_submission_bytes: 52428800, part_bytes: PART_BYTES });
    return { status: 200, headers: {}, json };
  }

  /** Who may not send in this name: the refusal. */
  function refuse(user, owner) {
    if (faulty.owner || owner === null) return null;
    if (user === null) return refusal(403, "not_authenticated");
    return user === owner ? null : refusal(409, "owner_changed");
  }

  function parts({ user, token }, { method, headers, query, body }) {
    if (method === "POST" && headers["X-CSRFToken"] !== token) return refusal(403, "csrf_failed");
    const { owner = null, id, sha256: sum, form } = query;
    const [size, offset] = [Number(query.size), Number(query.offset ?? 0)];
    if (!/^[0-9a-f]{64}$/.test(sum) || !(size >= 0) || !(offset >= 0)) return refusal(400, "malformed");
    const refused = refuse(user, owner);
    if (refused) return refused;
    if (!FORMS.includes(form)) return { status: 404, headers: {}, json: { code: "not_found", detail: "" } };
    if (form === "private note" && owner === null) return refusal(403, "permission_denied");
    const key = `${owner ?? ""}/${id}/${sum}`;
    if (ledger.has(`${owner ?? ""}/${id}`)) return { status: 200, headers: {}, json: { offset: size } };
    const there = uploads.get(key) ?? new Uint8Array();
    if (method === "POST" && offset === there.length && offset < size) {
      if (body.byteLength > PART_BYTES) return refusal(413, "too_large");
      uploads.set(key, Uint8Array.from([...there, ...new Uint8Array(body)].slice(0, size)));
    }
    return { status: 200, headers: {}, json: { offset: uploads.get(key)?.length ?? 0 } };
  }

  /** The bytes of a file, from the request or from its parts. */
  function contentOf(owner, id, { part, size, sha256: sum = null }, came) {
    const key = `${owner}/${id}/${sum}`;
    const content = came.get(part) ?? (uploads.get(key)?.length === size ? uploads.get(key) : undefined);
    if (!content || sum === null || sha256(content) === sum) return content;
    uploads.delete(key);
    return undefined;
  }

  function submissions({ user, token }, { headers, batch, parts = new Map() }) {
    if (headers["X-CSRFToken"] !== token) return refusal(403, "csrf_failed");
    if (!Number.isInteger(batch?.protocol)) return refusal(400, "malformed");
    if (batch.protocol !== 1) return refusal(400, "unsupported_protocol");
    if (!Array.isArray(batch.submissions) || !batch.submissions.length) return refusal(400, "malformed");
    if (batch.submissions.length > MAX_SUBMISSIONS) return refusal(413, "too_large");
    if (batch.owner !== null && typeof batch.owner !== "string") return refusal(400, "malformed");
    if (!areWellFormed(batch.submissions)) return refusal(400, "malformed");
    const refused = refuse(user, batch.owner);
    if (refused) return refused;
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

  function one(owner, submission, came, brokenGroups) {
    const key = `${owner}/${submission.id}`;
    const kept = faulty.constraint ? undefined : ledger.get(key);
    const contents = submission.files.map((file) => contentOf(owner, submission.id, file, came));
    const sums = contents.map((content, index) => (content ? sha256(content) : submission.files[index].sha256));
    const isComplete = submission.files.every(({ size }, index) => contents[index]?.byteLength === size);
    const hasDigest = submission.files.every(({ size, sha256: sum }, index) => (contents[index] ? contents[index].byteLength === size : sum));
    const digest = digestOf(submission, sums);
    if (!hasDigest) return brokenGroups.has(submission.group) ? deferred("group", BUSY_SECONDS) : deferred("incomplete_file", 30);
    if (kept?.digest === digest) return { status: "accepted", result: kept.result, replayed: true };
    if (brokenGroups.has(submission.group)) return deferred("group", BUSY_SECONDS);
    if (kept) return { status: "rejected", code: "id_reuse", ...(owner ? { result: kept.result } : {}) };
    if (!isComplete) return deferred("incomplete_file", 30);
    const refused = validate(owner, submission);
    if (refused) return refused;
    const result = { key: `key of ${submission.id}` };
    ledger.set(key, { digest, result });
    const about = aboutOf(owner, submission);
    onEffect({ owner, id: submission.id, title: valueOf(submission, "title"), group: submission.group ?? null, about, sums });
    for (const upload of uploads.keys()) if (upload.startsWith(`${key}/`)) uploads.delete(upload);
    return { status: "accepted", result, replayed: false };
  }

  /** The key of the object that an entry is about, which stands there as the id of the entry that has made it. */
  const aboutOf = (owner, { target = null }) => (target === null ? null : (ledger.get(`${owner}/${target}`)?.result.key ?? target));

  function validate(owner, submission) {
    if (submission.form === "edited note" && !ledger.has(`${owner}/${submission.target}`)) {
      onUnknown(submission);
      return { status: "rejected", code: "invalid", errors: { __all__: [{ message: "It is not there.", code: "" }] } };
    }
    if (!FORMS.includes(submission.form)) return { status: "rejected", code: "unknown_form" };
    if (submission.form === "private note" && !owner) return { status: "rejected", code: "forbidden" };
    switch (behaviourOf(submission)) {
      case "validate: refuse":
        if (isOvertaken(submission)) return { status: "conflict", current: { title: "There now" }, version: "{}" };
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
      if (request.path === PARTS) return parts(known, request);
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

const FORMS = ["note", "private note", "edited note"];

const POISON = {
  "site: crash": () => ({ status: 500, headers: {}, text: "<h1>Server Error</h1>" }),
  "site: 413": () => ({ status: 413, headers: {}, text: "<h1>Too large</h1>" }),
  "site: malformed": () => ({ status: 400, headers: {}, json: { code: "malformed", detail: "malformed." } }),
  "site: firewall": () => ({ status: 403, headers: {}, text: "<h1>Forbidden</h1>" }),
};

/** Every second one of those that are refused. */
const isOvertaken = (submission) => /[02468]$/.test(valueOf(submission, "title"));
const behaviourOf = (submission) => valueOf(submission, "behaviour");
const deferred = (code, seconds) => ({ status: "deferred", code, retry_after: seconds });

function areWellFormed(submissions) {
  const ids = submissions.map(({ id }) => id);
  const isId = (id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id);
  const areFiles = (files) => files.every(({ part, size }) => typeof part === "string" && Number.isInteger(size));
  const hasTexts = ({ form, fields, files }) => typeof form === "string" && Array.isArray(fields) && Array.isArray(files) && areFiles(files);
  return new Set(ids).size === ids.length && ids.every(isId) && submissions.every(hasTexts);
}

function digestOf({ form, language, time_zone, target, base_version, fields, data, files }, sums) {
  const contents = files.map(({ field, name, type, size }, index) => [field, name, type, size, sums[index]]);
  return JSON.stringify([form, language, time_zone, target, base_version, fields, data, contents]);
}
