import { FILE_SIZES } from "./people.js";
import { ORIGIN } from "./site.js";

const PORTAL = { status: 200, headers: { "content-type": "text/html" }, text: "<h1>Welcome aboard</h1>" };
const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };
export const SESSION = "/offlinesync/session/";
export const SUBMISSIONS = "/offlinesync/submissions/";
export const PARTS = "/offlinesync/parts/";
export const SIGN_OUT = "/accounts/logout/";
const STRANGER = "01940000-0000-7000-8000-000000000000";

const json = (status, body, headers = {}) => ({ status, headers: { ...JSON_TYPE, ...headers }, text: JSON.stringify(body) });
const html = (status, headers = {}) => ({ ...PORTAL, status, headers: { ...PORTAL.headers, ...headers } });
const receiptsOf = (ids, changed) => ids.map((id) => ({ id, status: "accepted", result: {}, replayed: false, ...changed }));

/**
 * What somebody between device and site answers in the site's place (row B2). None of it is a receipt for what was sent.
 *
 * @type {Record<string, (ids: string[], others: string[]) => object>}
 */
export const HOSTILE = {
  portal: () => PORTAL,
  html_said_to_be_json: () => ({ ...PORTAL, headers: JSON_TYPE }),
  empty: () => ({ status: 204, headers: {}, text: "" }),
  redirect: () => ({ status: 0, headers: {}, text: "" }),
  truncated: (ids) => ({ status: 200, headers: JSON_TYPE, text: json(200, { receipts: receiptsOf(ids) }).text.slice(0, -9) }),
  object: () => json(200, {}),
  list: () => json(200, []),
  null: () => json(200, null),
  no_receipts: () => json(200, { receipts: [] }),
  null_receipt: () => json(200, { receipts: [null] }),
  without_id: (ids) => json(200, { receipts: receiptsOf(ids, { id: undefined }) }),
  wrong_id: (ids) => json(200, { receipts: receiptsOf(ids, { id: STRANGER }) }),
  receipts_of_others: (_ids, others) => json(200, { receipts: receiptsOf(others) }),
  unknown_status: (ids) => json(200, { receipts: receiptsOf(ids, { status: "delivered" }) }),
  receipts_in_an_error: (ids) => json(500, { receipts: receiptsOf(ids) }),
  receipts_as_text: (ids) => ({ ...json(200, { receipts: receiptsOf(ids) }), headers: { "content-type": "text/plain" } }),
  offset_beyond: () => json(200, { offset: 1e9 }),
  offset_of_all: () => json(200, { offset: FILE_SIZES.large }),
  offset_as_text: () => json(200, { offset: "0" }),
  contradicting_receipts: (ids) => json(200, { receipts: [...receiptsOf(ids), ...receiptsOf(ids, { status: "rejected" })] }),
};

/** What is a receipt, in answer to what asks for none. */
const MISPLACED = (ids) => json(200, { receipts: receiptsOf(ids) });

export const STATUSES = [400, 401, 403, 404, 408, 409, 410, 413, 421, 422, 425, 429, 500, 501, 502, 503, 504, 511];
/** What can happen to a request. */
export const FAULTS = ["request_lost", "request_late", "answer_lost", "answer_late", "never_ends", "hostile", "status", "retry_after"];
const LONGEST_LATENESS = 200000;
// When the browser itself gives up what nobody has set a limit for.
const PATIENCE = 300000;
const NOBODY = { user: null, token: "" };

/**
 * The way between one device and the site.
 *
 * @param {object} collaborators
 * @param {ReturnType<import("./scheduler.js").createScheduler>} collaborators.scheduler
 * @param {ReturnType<import("./random.js").createRandom>} collaborators.random
 * @param {ReturnType<import("./faults.js").createFaults>} collaborators.faults
 * @param {ReturnType<import("./server.js").createServer>} collaborators.server
 * @param {() => object} collaborators.cookie  the profile's, as it is when a request leaves
 * @param {() => string[]} collaborators.idsOnDevice
 * @param {{sending: Function, sent: Function, askedToWait: Function}} collaborators.witness
 */
export function createNetwork({ scheduler, random, faults, server, cookie, idsOnDevice, witness }) {
  let isUp = true;
  let isAway = false;

  function fetchOf(context, { isOfPage = false } = {}) {
    return (input, { method = "GET", headers = {}, body, signal, credentials } = {}) =>
      new Promise((resolve, reject) => {
        if (!context.alive) return;
        const request = readRequest(input.url ?? input, method, headers, body);
        const isOfDelivery = !isOfPage && [SESSION, SUBMISSIONS, PARTS].includes(request.path);
        const exchange = { context, path: request.path, ids: idsOf(request), isOfDelivery };
        witness.sending(exchange);
        let isOver = false;
        const end = (settle, value) => {
          if (isOver) return;
          isOver = true;
          scheduler.cancel(timer);
          witness.sent(exchange);
          if (context.alive) settle(value);
        };
        context.onDeath(() => end(() => {}));
        signal?.addEventListener("abort", () => end(reject, signal.reason));
        const fail = () => end(reject, new TypeError("Failed to fetch"));
        const timer = signal ? undefined : scheduler.at(PATIENCE, fail);
        const whenGivenUp = (run) => {
          if (signal) signal.addEventListener("abort", () => run(signal.reason));
          else scheduler.at(PATIENCE, () => context.alive && run(new TypeError("The connection was lost")));
        };
        const answer = (made) => {
          const wait = made.headers["retry-after"];
          if (!isOver && isOfDelivery && wait) witness.askedToWait(Number(wait) * 1000);
          end(resolve, toResponse(made, whenGivenUp));
        };
        carry(request, credentials === "omit" ? NOBODY : { ...cookie() }, answer, fail);
      });
  }

  function carry(request, sentCookie, answer, fail) {
    if (!isUp || isAway) return void scheduler.at(1, fail);
    const fault = faults.takeOne(FAULTS, request.path);
    const later = (run) => scheduler.at(random.between(5, 150), run);
    const ask = () => toAnswer(server.handle(sentCookie, request));
    const ids = idsOf(request);
    switch (fault) {
      case "request_lost":
        return void later(random.chance(0.5) ? fail : () => {});
      case "request_late":
        return void scheduler.at(random.between(1000, LONGEST_LATENESS), () => answer(ask()));
      case "answer_lost":
        return void later(() => {
          ask();
          if (random.chance(0.5)) later(fail);
        });
      case "answer_late":
        return void later(() => {
          const made = ask();
          scheduler.at(random.between(1000, LONGEST_LATENESS), () => answer(made));
        });
      case "never_ends":
        return void later(() => answer({ ...ask(), isEndless: true }));
      case "hostile":
        return void later(() => answer(request.path === PARTS && random.chance(0.8) ? MISPLACED(ids) : hostile(ids)));
      case "status":
        return void later(() => answer(html(random.pick(STATUSES))));
      case "retry_after":
        return void later(() => answer(html(random.pick([429, 503]), { "retry-after": String(random.pick([1, 5, 60, 600])) })));
      default:
        return void later(() => {
          const made = ask();
          later(() => answer(made));
        });
    }
  }

  function hostile(ids) {
    const kind = random.pick(Object.keys(HOSTILE));
    faults.count(`hostile ${kind}`);
    return HOSTILE[kind](ids, idsOnDevice().filter((id) => !ids.includes(id)));
  }

  return {
    /**
     * @param {object} context
     * @param {{isOfPage?: boolean}} [what]  whether what a page asks for is no delivery, and may be asked for at any time
     * @returns {typeof fetch}
     */
    of: fetchOf,
    isUp: () => isUp,
    /** @param {boolean} whether */
    setUp(whether) {
      isUp = whether;
    },
    /** The link is there, and the site behind it is not (row B11). @param {boolean} whether */
    setAway(whether) {
      isAway = whether;
    },
  };
}

const idsOf = ({ batch, query }) => (query?.id ? [query.id] : (batch?.submissions ?? []).map(({ id }) => id));

function readRequest(url, method, headers, body) {
  const [path, search] = url.replace(ORIGIN, "").split("?");
  const query = Object.fromEntries(new URLSearchParams(search));
  if (body === undefined || body instanceof ArrayBuffer) return { method, path, headers, query, body };
  const isMultipart = typeof body !== "string";
  const batch = JSON.parse(isMultipart ? body.parts.get("batch") : body);
  return { method, path, headers, batch, parts: isMultipart ? body.parts : new Map() };
}

function toAnswer({ status, headers, json: body, text }) {
  return body === undefined ? { status, headers: { ...PORTAL.headers, ...headers }, text } : json(status, body, headers);
}

function toResponse({ status, headers, text, isEndless = false }, giveUp) {
  const endless = () => new Promise((_, reject) => giveUp((reason) => reject(reason)));
  const isRedirect = status === 0 || status === 302;
  const response = new Response(isEndless ? { take: endless } : text, { status: isRedirect ? 0 : status, headers });
  return Object.assign(response, { type: isRedirect ? "opaqueredirect" : "basic" });
}
