/**
 * What an entry is: one saved form, as it lies in the outbox and as it goes over the wire.
 *
 * @typedef {object} EntryFile
 * @property {string} field
 * @property {string} part  names the part of the multipart body that carries the bytes
 * @property {string} name
 * @property {string} type
 * @property {number} size  bytes
 *
 * @typedef {"waiting" | "refused" | "stuck"} EntryState
 *   waiting: goes out with the next delivery; refused: the person must act, no more attempts;
 *   stuck: the person is told, and it goes on being tried.
 *
 * @typedef {object} Receipt
 * @property {string} id
 * @property {"accepted" | "rejected" | "conflict" | "deferred"} status
 * @property {string} [code]
 * @property {{url?: string}} [result]
 * @property {Record<string, {message: string, code: string}[]>} [errors]
 * @property {number} [retry_after]  seconds
 *
 * @typedef {object} Pause  by the device's clock, which may jump: it lasts only while that clock is within it (row B14)
 * @property {number} since  milliseconds since 1970
 * @property {number} until  likewise
 * @property {number} times  how many there have been in a row
 * @property {boolean} [isAsked]  by the site
 *
 * @typedef {object} Entry
 * @property {number} [seq]  given by the outbox: the order of saving, whatever the clock said (row B14)
 * @property {string} id  UUIDv7
 * @property {string} owner  the user's primary key as text, "" for an anonymous visitor
 * @property {string} form
 * @property {string} page  where the form stood, to go back to
 * @property {string} captured_at  the device's clock: information only
 * @property {[string, string][]} fields
 * @property {object | null} [data]  what a script has handed over, in the place of fields
 * @property {string} [label]  what the page called its form
 * @property {Record<string, string>} labels  what the page called its fields: the form may be gone when they are read (row C10)
 * @property {EntryFile[]} files
 * @property {string | null} language
 * @property {string | null} time_zone
 * @property {string | null} target
 * @property {string | null} group
 * @property {string | null} base_version
 * @property {string[]} [refs]  the fields in which the id of an entry may stand for the object that it makes
 * @property {EntryState} state
 * @property {Receipt | null} receipt  the refusal, when there was one
 * @property {number} revision  grows with each edit, so that a receipt settles only what it was given for
 * @property {number} failures  how often it failed when it was sent alone (row B9)
 * @property {Pause | null} pause  not to be sent before it is over
 * @property {Record<string, number>} [sent]  how many bytes of a large file have arrived, by its SHA-256
 * @property {string | null} trouble  why it still waits: the code of a `deferred` receipt, "too_large",
 *   "unreadable" where it makes no submission, or "failed" for no receipt
 */

/**
 * A UUIDv7: 48 bits of the device's clock, 74 random bits. Nothing relies on the clock's part.
 *
 * @param {number} milliseconds
 * @param {Uint8Array} random  at least 16 bytes
 * @returns {string} lower-case canonical form
 */
export function uuid7(milliseconds, random) {
  const bytes = Uint8Array.from(random.subarray(0, 16));
  let time = Math.max(0, Math.floor(milliseconds));
  for (let index = 5; index >= 0; index--) {
    bytes[index] = time % 256;
    time = Math.floor(time / 256);
  }
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/**
 * @param {Partial<Entry> & {id: string, owner: string, form: string}} content
 * @returns {Entry} an entry that nobody has tried to send yet
 */
export function newEntry(content) {
  return {
    page: "",
    captured_at: "",
    fields: [],
    data: null,
    label: "",
    labels: {},
    files: [],
    language: null,
    time_zone: null,
    target: null,
    group: null,
    base_version: null,
    ...content,
    state: "waiting",
    receipt: null,
    revision: 1,
    failures: 0,
    pause: null,
    trouble: null,
  };
}

/**
 * Names as the site's errors name them: those of nested data are joined by dots.
 *
 * @param {Entry} entry
 * @returns {[string, string][]} what was written, by its name
 */
export function wordsIn({ fields, data }) {
  return [...fields, ...flattened(data ?? {})];
}

/** @param {object | unknown[]} data @returns {[string, string][]} */
function flattened(data, path = []) {
  return Object.entries(data).flatMap(([key, value]) => {
    const name = [...path, key];
    if (value !== null && typeof value === "object") return flattened(value, name);
    return [[name.join("."), value === null ? "" : String(value)]];
  });
}

/**
 * @param {Entry} entry
 * @param {(file: EntryFile) => string} partName  part names must be unique in a request
 * @returns {object} the entry as one submission of protocol 1
 */
export function toSubmission(entry, partName) {
  const { id, form, captured_at, fields, language, time_zone, target, group, base_version } = entry;
  const optional = { language, time_zone, target, group, base_version, refs: entry.refs?.length ? entry.refs : null };
  return {
    id,
    form,
    captured_at,
    fields,
    ...(entry.data ? { data: entry.data } : {}),
    files: (entry.files ?? []).map((file) => ({ ...file, part: partName(file) })),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== null)),
  };
}
