/** @import { Entry } from "./entries.js" */
/** @import { Answer, Session } from "./transport.js" */

// What is smaller is sent again at little cost, and travels with its batch.
const PARTS_WORTH_IT = 2;
const REFUSALS = ["malformed", "too_large", "unsupported_protocol"];

/**
 * Sends the large files of an entry part by part, before the entry itself, so that a delivery that is cut goes on where
 * it was (row E4).
 *
 * @param {object} collaborators
 * @param {ReturnType<import("./outbox.js").createOutbox>} collaborators.outbox
 * @param {ReturnType<import("./transport.js").createTransport>} collaborators.transport
 * @param {((content: ArrayBuffer) => Promise<string>) | null} collaborators.digest  its SHA-256 in hexadecimal digits; null
 *   where the browser has none, as on pages that are not secure: then files are sent whole
 */
export function createUploads({ outbox, transport, digest }) {
  /**
   * What is under way. Kept from one part to the next, as long as all goes well: to read a large file takes its time.
   *
   * @type {{id: string, revision: number, contents: (ArrayBuffer | undefined)[], sums: (string | null)[],
   *   offsets: Map<string, number>, seen: Map<string, number | undefined>} | null}  seen: what the entry said when the site
   *   was asked, which knows better
   */
  let current = null;

  /** @param {Session} session @param {Entry} entry */
  function isLarge(session, { files }) {
    return digest !== null && (files ?? []).some((file) => isWorthIt(session, file));
  }

  const isWorthIt = ({ part_bytes: partBytes }, { size }) => partBytes > 0 && size > PARTS_WORTH_IT * partBytes;

  /**
   * What cannot be read, or is not what it was, is sent as it is: the site says which file is not whole.
   *
   * @param {Session} session
   * @param {Entry} entry
   */
  async function read(session, entry) {
    const contents = await outbox.contents(entry).catch(() => []);
    const sums = await Promise.all(
      entry.files.map((file, index) => {
        const isWhole = contents[index]?.byteLength === file.size;
        return isWhole && isWorthIt(session, file) ? digest(contents[index]).catch(() => null) : null;
      }),
    );
    return { id: entry.id, revision: entry.revision, contents, sums, offsets: new Map(), seen: new Map() };
  }

  const isSame = ({ id, revision }) => current?.id === id && Object.is(current.revision, revision);

  /** @returns {Promise<Answer | {kind: "progress", sent: Record<string, number>} | null>} null: all of it is there */
  async function sendPart(session, entry, index) {
    const { contents, sums, offsets, seen } = current;
    const sum = sums[index];
    const { size } = entry.files[index];
    const about = { id: entry.id, form: entry.form, target: entry.target, sha256: sum, size };
    if (!offsets.has(sum)) {
      const told = await transport.arrived(session, entry.owner || null, about);
      if (told.kind !== "offset") return told;
      offsets.set(sum, told.offset);
      seen.set(sum, entry.sent?.[sum]);
    }
    // Another tab may have gone on with it meanwhile.
    const others = entry.sent?.[sum];
    const offset = others === seen.get(sum) ? offsets.get(sum) : Math.max(offsets.get(sum), others ?? 0);
    if (offset >= size) return null;
    const part = contents[index].slice(offset, offset + session.part_bytes);
    const told = await transport.sendPart(session, entry.owner || null, { ...about, offset }, part);
    if (told.kind !== "offset") return told;
    // Who answers the same for ever is not to be asked for ever. Less than before: the site is asked anew what it has.
    if (told.offset <= offset) return { kind: told.offset < offset ? "failed" : "whole" };
    offsets.set(sum, told.offset);
    return { kind: "progress", sent: Object.fromEntries(offsets) };
  }

  async function next(session, entry) {
    if (!isSame(entry)) current = await read(session, entry);
    for (const index of current.sums.keys()) {
      const told = current.sums[index] === null ? null : await sendPart(session, entry, index);
      if (told !== null) return told;
    }
    return null;
  }

  return {
    isLarge,

    /**
     * The next part, if there is one.
     *
     * @param {Session} session
     * @param {Entry} entry
     * @returns {Promise<{kind: "progress", sent: Record<string, number>} | {kind: "arrived", sums: (string | null)[]}
     *   | {kind: "whole"} | Answer>}
     *   progress: so many bytes of each file, by its sum, are there; arrived: the files that have a sum need not be sent with
     *   the entry any more; whole: the site takes no parts of it
     */
    async advance(session, entry) {
      // Whatever is thrown, too many bytes at once say, is a failure of this entry and must not hold up the others (row B9).
      const told = await next(session, entry).catch(() => ({ kind: "failed" }));
      if (told?.kind === "progress") return told;
      const sums = current?.sums ?? [];
      current = null;
      if (told === null) return { kind: "arrived", sums };
      // Where there is an answer and no part, the file may still go whole: a site without the table, a proxy that wants forms.
      const isUnfit = told.isAnswered && told.retryAfter === undefined;
      return REFUSALS.includes(told.kind) || isUnfit ? { kind: "whole" } : told;
    },
  };
}

/**
 * @param {SubtleCrypto | undefined} subtle  missing on pages that are not secure
 * @returns {((content: BufferSource) => Promise<string>) | null} the SHA-256 in hexadecimal digits
 */
export function createDigest(subtle) {
  if (!subtle) return null;
  return async (content) => {
    const bytes = new Uint8Array(await subtle.digest("SHA-256", content));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  };
}
