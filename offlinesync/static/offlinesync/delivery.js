/** @import { Entry, Pause, Receipt } from "./entries.js" */

const LONGEST_PAUSE = 60000;
const LONGEST_PUT_OFF = 3600000;
const FIRST_PAUSE = 1000;
const LARGEST_BATCH = 1024;
const MOST_DISLIKED = 10;
// Bytes of JSON around the submissions, generously.
const ENVELOPE = 1024;
const PAGE = 200;
const STATUSES = ["accepted", "rejected", "conflict", "deferred"];
const SESSION_STALE = ["csrf_failed", "not_authenticated", "owner_changed"];

/**
 * @typedef {object} Outcome  how a delivery ended
 * @property {"done" | "failed" | "unsupported_protocol"} status  done: nothing is left that could go out now
 * @property {number | null} wait  milliseconds until another delivery is worth starting; null: nothing waits for time
 * @property {boolean} held  the site has asked to be left alone until then
 * @property {import("./transport.js").Session | null} session  what the site has last said of whoever is signed in
 */

/**
 * Empties the outbox: batch, send, settle the receipts. Nothing is removed before its receipt (P2, row B1), so that
 * a crash at any point costs at most a request that is sent again.
 *
 * @param {object} collaborators
 * @param {ReturnType<import("./outbox.js").createOutbox>} collaborators.outbox
 * @param {ReturnType<import("./transport.js").createTransport>} collaborators.transport
 * @param {ReturnType<import("./uploads.js").createUploads>} collaborators.uploads
 * @param {<T>(work: () => Promise<T>) => Promise<T>} collaborators.lock  one holder at a time, over all tabs and the worker
 * @param {{wall: () => number}} collaborators.clock  milliseconds since 1970, as the device has it
 * @param {() => number} collaborators.random  0 to 1
 * @param {typeof import("./entries.js").toSubmission} collaborators.toSubmission
 * @param {(owner: string, receipts: Receipt[]) => void} collaborators.report
 * @returns {() => Promise<Outcome>} starts a delivery, or has the one under way look again
 */
export function createDelivery({ outbox, transport, uploads, lock, clock, random, toSubmission, report }) {
  let batchSize = 1;
  let failures = 0;

  /** Exponential with full jitter, so that those who come back together do not stay together (row B12). */
  function backOff(times) {
    return random() * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** times);
  }

  /** @returns {Pause} */
  function newPause(milliseconds, times = 0) {
    const since = clock.wall();
    return { since, until: since + milliseconds, times };
  }

  /** @param {Pause | null | undefined} pause */
  const left = (pause) => leftOf(pause, clock.wall());

  /** @param {Entry} entry @param {string} trouble @param {number} [seconds] what the server asked for */
  function putOff(entry, trouble, seconds) {
    const times = (Number(entry.pause?.times) || 0) + 1;
    const asked = seconds > 0 ? Math.min(seconds * 1000, LONGEST_PUT_OFF) : backOff(times);
    return { entry, trouble, pause: { ...newPause(asked, times), isAsked: seconds > 0 } };
  }

  /**
   * @returns {Promise<{batch: Entry[], wait: number | null}>} what one request carries, of one owner, in the order of saving,
   *   or how long until there is something
   */
  async function nextBatch(session) {
    const troubled = [];
    const waits = [];
    for (const owner of new Set([session.owner ?? "", ""])) {
      const found = await collect(owner, session);
      if (found.batch.length) return { batch: found.batch, wait: null };
      troubled.push(...found.troubled);
      waits.push(...found.waits);
    }
    // What failed alone goes behind all the others, the least tried first, and alone again (row B9).
    const batch = troubled.sort((a, b) => a.failures - b.failures).slice(0, 1);
    return { batch, wait: waits.length ? Math.min(...waits) : null };
  }

  async function collect(owner, session) {
    const limit = Math.min(batchSize, session.max_submissions);
    const blocked = new Set();
    const troubled = [];
    const waits = [];
    const batch = [];
    let bytes = ENVELOPE;
    for await (const entry of allOf(owner)) {
      const wait = entry.state === "refused" ? 0 : left(entry.pause);
      const free = !blocked.has(entry.group) && entry.state !== "refused" && wait === 0;
      const size = free && entry.failures === 0 ? sizeOf(entry) : null;
      if (wait > 0) waits.push(wait);
      if (size !== null) {
        bytes += size + 1;
        // A large file travels alone.
        const isLarge = uploads.isLarge(session, entry);
        if (batch.length && (isLarge || bytes > session.max_bytes)) break;
        batch.push(entry);
        if (isLarge || batch.length === limit) break;
      } else {
        if (free) troubled.push(entry);
        // Nothing of a group overtakes an earlier member that is not settled (P6).
        if ((entry.group ?? null) !== null) blocked.add(entry.group);
      }
    }
    return { batch, troubled, waits };
  }

  async function* allOf(owner) {
    let after = 0;
    for (;;) {
      const entries = await outbox.page(owner, { after, limit: PAGE });
      yield* entries;
      if (entries.length < PAGE) return;
      after = entries[entries.length - 1].seq;
    }
  }

  /** @param {Entry} entry @returns {number | null} bytes; null: damaged, or of a release to come, it makes no submission (row B9) */
  function sizeOf(entry) {
    // A receipt names an id: without one, none could be told from another's (P5).
    if (typeof entry.id !== "string") return null;
    try {
      const text = new TextEncoder().encode(JSON.stringify(toSubmission(entry, (file) => file.part))).length;
      return text + filesOf(entry).reduce((sum, file) => sum + (Number(file.size) || 0), 0);
    } catch {
      return null;
    }
  }

  /** @param {Entry} entry */
  const filesOf = ({ files }) => files ?? [];

  /** @returns {Promise<import("./transport.js").Answer | {kind: "progress"}>} */
  async function send(session, batch) {
    // What the site could not put together is sent whole the next time: otherwise it might be so for ever.
    if (!uploads.isLarge(session, batch[0]) || batch[0].trouble === "incomplete_file") return sendBatch(session, batch);
    const told = await uploads.advance(session, batch[0]);
    if (told.kind === "whole") return sendBatch(session, batch);
    return told.kind === "arrived" ? sendBatch(session, [withSums(batch[0], told.sums)]) : told;
  }

  /** @param {Entry} entry @param {(string | null)[]} sums */
  function withSums(entry, sums) {
    return { ...entry, files: entry.files.map((file, index) => (sums[index] ? { ...file, sha256: sums[index] } : file)) };
  }

  async function sendBatch(session, batch) {
    const names = new Map();
    const partName = (file) => names.get(file) ?? names.set(file, `f${names.size}`).get(file);
    const submissions = batch.map((entry) => toSubmission(entry, partName));
    const files = [];
    for (const entry of batch) {
      // Bytes that cannot be read any more are as good as gone, and no reason to hold up the others (row B9): the part is
      // left out, and the server says which file is incomplete.
      const isSent = filesOf(entry).every(({ sha256 }) => sha256);
      const contents = isSent ? [] : await outbox.contents(entry).catch(() => []);
      filesOf(entry).forEach((file, index) => {
        if (contents[index] && !file.sha256) files.push({ ...file, part: partName(file), content: contents[index] });
      });
    }
    return transport.send(session, batch[0].owner || null, submissions, files);
  }

  /** @param {Entry[]} batch @param {Receipt[]} receipts */
  async function settle(batch, receipts) {
    const answered = batch.flatMap((entry) => {
      const named = receipts.filter((receipt) => receipt?.id === entry.id && STATUSES.includes(receipt.status));
      return named.length === 1 ? [{ entry, receipt: named[0] }] : [];
    });
    if (!answered.length) return false;
    const of = (...statuses) => answered.filter(({ receipt }) => statuses.includes(receipt.status));
    const unanswered = batch.filter((entry) => !answered.some((answer) => answer.entry === entry));
    await outbox.settle({
      accepted: of("accepted").map(({ entry }) => entry),
      refused: of("rejected", "conflict"),
      deferred: [
        ...of("deferred").map(({ entry, receipt }) => putOff(entry, receipt.code ?? "deferred", receipt.retry_after)),
        ...unanswered.map((entry) => putOff(entry, "failed")),
      ],
    });
    report(batch[0].owner, answered.map(({ receipt }) => receipt));
    return true;
  }

  /** The site will not take this one as it is, or it can't be sent: the person is told, and the rest goes on (row B9). */
  async function setAside(entry, kind) {
    const receipt = { id: entry.id, status: "rejected", code: kind };
    if (kind === "malformed") await outbox.settle({ refused: [{ entry, receipt }] });
    else await outbox.settle({ stuck: [{ entry, trouble: kind, pause: newPause(LONGEST_PAUSE) }] });
    // What goes on being tried is no refusal, and leaves the form: in it, it could be sent a second time (P3).
    report(entry.owner, kind === "malformed" ? [receipt] : []);
  }

  /** @returns {Promise<"sent" | "failed" | "disliked" | "stale" | "unsupported_protocol">} */
  async function handle(answer, batch) {
    if (SESSION_STALE.includes(answer.kind)) return "stale";
    if (answer.kind === "progress") {
      // For others to know, no more: where it can't be written, as on a full device, the delivery goes on (row A1).
      await outbox.settle({ progressed: [{ entry: batch[0], sent: answer.sent }] }).catch(() => {});
      return "sent";
    }
    if (answer.kind === "unsupported_protocol") return answer.kind;
    if (answer.kind === "receipts" && (await settle(batch, answer.receipts))) {
      batchSize = Math.min(batchSize * 2, LARGEST_BATCH);
      return "sent";
    }
    const alone = batch.length === 1 ? batch[0] : null;
    batchSize = Math.max(1, Math.floor(batch.length / 2));
    if (["malformed", "too_large", "unreadable"].includes(answer.kind)) {
      if (alone) await setAside(alone, answer.kind);
      return "sent";
    }
    await heed(answer);
    if (alone) await outbox.settle({ failed: [putOff(alone, "failed")] });
    return answer.dislikes ? "disliked" : "failed";
  }

  /** What the site asks for holds for every page and the worker, and for those that start later (row B12). */
  async function heed({ retryAfter }) {
    if (retryAfter !== undefined) await outbox.hold(newPause(retryAfter * 1000));
  }

  /**
   * One request, with the lock held for just that long, so that any other tab can take over after it (row B6).
   *
   * @param {import("./transport.js").Session | null} known
   */
  async function step(known) {
    const { sendable, hold } = await outbox.outlook();
    if (!sendable) return { result: "done", session: known, wait: null };
    if (left(hold) > 0) return { result: "held", session: known, wait: left(hold) };
    const told = known ? { kind: "session", session: known } : await transport.session();
    if (told.kind !== "session") {
      await heed(told);
      return { result: "failed", session: null };
    }
    const { session } = told;
    const { batch, wait } = await nextBatch(session);
    if (!batch.length) return { result: "done", session, wait };
    const answer = sizeOf(batch[0]) === null ? { kind: "unreadable" } : await send(session, batch);
    return { result: await handle(answer, batch), session };
  }

  /**
   * Who has nothing to send asks for no lock: a page may be left as soon as its entry is settled, and one that is given
   * the lock after that is not kept for the way back by Chromium.
   *
   * @param {import("./transport.js").Session | null} known
   */
  async function turn(known) {
    const { sendable } = await outbox.outlook();
    return sendable ? lock(() => step(known)) : { result: "done", session: known, wait: null };
  }

  /** @returns {Promise<Outcome>} */
  async function pass() {
    let session = null;
    let told = null;
    let stale = 0;
    let disliked = 0;
    for (;;) {
      const { result, wait, session: used } = await turn(session);
      told = result === "stale" ? null : (used ?? told);
      // Whoever has been told the same time must not come back in the same moment (row B12).
      if (result === "held") return { status: "failed", wait: wait + backOff(failures), held: true, session: told };
      if (result === "unsupported_protocol") return { status: result, wait: LONGEST_PAUSE, held: true, session: told };
      if (result === "done") {
        failures = 0;
        return { status: "done", wait, held: false, session: told };
      }
      // Whom somebody on the way dislikes is put off, and the rest tried at once: a worker has few chances (row B9).
      const goesOn = (result === "disliked" && ++disliked <= MOST_DISLIKED) || (result === "stale" && ++stale <= 1);
      if (result !== "sent" && !goesOn) {
        failures += 1;
        const hold = left((await outbox.outlook()).hold);
        return { status: "failed", wait: hold + backOff(failures), held: hold > 0, session: told };
      }
      // A session that has changed is fetched once more, at once (row D3); one that was disliked must still be there.
      session = result === "sent" ? used : null;
      if (result === "sent") failures = stale = 0;
    }
  }

  let running = null;
  let wanted = false;

  async function run() {
    try {
      let outcome;
      do {
        wanted = false;
        outcome = await pass();
      } while (wanted);
      return outcome;
    } finally {
      // In the same turn as the last look at `wanted`, so that no call falls between, and whatever was thrown (row B10).
      running = null;
    }
  }

  return function deliver() {
    wanted = true;
    running ??= run();
    return running;
  };
}

/**
 * @param {Pause | null | undefined} pause
 * @param {number} now  milliseconds since 1970, as the device has it
 * @returns {number} milliseconds of it that are left; none where the clock has left it (row B14)
 */
export function leftOf(pause, now) {
  const { since, until } = pause ?? {};
  // What is no time, or beyond every pause there is, is damage, and would be waited for in vain or not at all (row B9).
  const rest = Math.min(Number(until), Number(since) + LONGEST_PUT_OFF) - now;
  return since <= now && rest > 0 ? rest : 0;
}

/**
 * The delivery lock of a site: held by one tab or the worker, and freed by the browser when its holder dies (row B6).
 *
 * @param {object} collaborators
 * @param {LockManager | undefined} collaborators.locks
 * @param {{setTimeout: Function, clearTimeout: Function}} collaborators.clock
 * @param {string} collaborators.name
 * @param {number} [collaborators.renewal]  milliseconds after which a place in the queue is taken anew
 * @returns {<T>(work: () => Promise<T>) => Promise<T>}
 */
export function createLock({ locks, clock, name, renewal = 5000 }) {
  // Without Web Locks two tabs may send the same entry, which the server takes in once all the same (P3).
  if (!locks) return (work) => work();

  return async function withLock(work) {
    for (;;) {
      const controller = new AbortController();
      const timer = clock.setTimeout(() => controller.abort(), renewal);
      const granted = () => {
        clock.clearTimeout(timer);
        return work();
      };
      try {
        return await locks.request(name, { signal: controller.signal }, granted);
      } catch (error) {
        // Chromium 156 forgets the queue when a page that is holding the lock leaves for the back/forward cache, and looks
        // at it again when a request in it is aborted (row B10). Once granted, the signal has no effect.
        if (!controller.signal.aborted) throw error;
      } finally {
        clock.clearTimeout(timer);
      }
    }
  };
}
