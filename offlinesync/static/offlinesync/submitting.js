/**
 * What a site's own script hands over, to be saved and sent as a form would be.
 *
 * @typedef {object} Options
 * @property {Record<string, File | File[]>} [files]  by the names of the fields
 * @property {string | null} [target]  what is edited or answered
 * @property {string | null} [group]  entries of one group are applied in the order they were saved
 * @property {string[]} [refs]  the keys of `data` in which the id of an entry may stand for the object that it makes
 * @property {string} [id]  of an earlier try, which may have been saved all the same
 */

const ENTRY_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * @param {object} collaborators
 * @param {ReturnType<import("./outbox.js").createOutbox>} collaborators.outbox
 * @param {ReturnType<import("./status.js").createStatus>} collaborators.status
 * @param {ReturnType<import("./room.js").createRoom>} collaborators.withRoom
 * @param {() => Promise<unknown>} collaborators.deliver
 * @param {() => Promise<boolean>} collaborators.armSync
 * @param {typeof import("./entries.js").newEntry} collaborators.newEntry
 * @param {() => string} collaborators.newId
 * @param {() => string} collaborators.timestamp
 * @param {() => void} collaborators.announceSaved  to the other tabs
 * @param {() => void} collaborators.askToPersist
 * @param {() => {owner: string, page: string, language: string | null, time_zone: string | null}} collaborators.circumstances
 * @param {boolean} collaborators.isEnabled
 * @param {(error: unknown) => void} collaborators.reportError
 */
export function createSubmitting({
  outbox, status, withRoom, deliver, armSync, newEntry, newId, timestamp, announceSaved, askToPersist, circumstances, isEnabled, reportError,
}) {
  /**
   * @param {string} form  the name its handler is registered under
   * @param {object} data  what JSON can hold
   * @param {Options} [options]
   * @returns {Promise<{id: string}>} once it lies on the device (P1); rejects where it does not, and says what to do. An error whose
   *   `id` is set may have been saved all the same: try again with that id
   */
  return async function submit(form, data, { files = {}, target = null, group = null, refs = [], id = newId() } = {}) {
    if (!isEnabled) throw new Error("offlinesync is switched off on this site: send it by a request of your own.");
    if (typeof form !== "string" || !form) throw new TypeError('offlinesync.submit() needs the name of a form: submit("checkout", {…}).');
    // The site would refuse all that is sent with it (row B9).
    if (!ENTRY_ID.test(id)) throw new TypeError(`offlinesync.submit() makes its ids itself: ${id} is none that it has told. Leave it out.`);
    const chosen = chosenFrom(files);
    // Before anything is waited for: a cart may be emptied as soon as it is handed over.
    const entry = newEntry({
      ...circumstances(),
      id,
      form,
      captured_at: timestamp(),
      data: asJson(data),
      target: target === null ? null : String(target),
      group: group === null ? null : String(group),
      refs: [...refs],
    });
    const contents = await Promise.all(chosen.map(({ file }) => file.arrayBuffer()));
    entry.files = chosen.map(({ field, file: { name, type } }, index) => ({ field, part: `f${index}`, name, type, size: contents[index].byteLength }));
    await save(entry, contents);
    announceSaved();
    askToPersist();
    armSync();
    for (const work of [status.refresh(), deliver()]) work.catch(reportError);
    return { id };
  };

  async function save(entry, contents) {
    let isSaved;
    try {
      isSaved = await withRoom(() => outbox.save(entry, contents), contents);
    } catch (error) {
      // Nobody knows whether it lies in the outbox after all (row A3).
      const isUnsure = error.name === "TimeoutError";
      const isFull = error.name === "QuotaExceededError";
      const notSaved = isFull ? "There is no room for this on the device: let some be made, or send less." : "This was not saved on this device: keep it, and try again later.";
      const what = isUnsure ? "This may not have been saved: try again with the same id." : notSaved;
      throw Object.assign(new Error(`offlinesync: ${what} ${error.message}`, { cause: error }), isUnsure ? { id: entry.id } : {});
    }
    if (!isSaved) throw new Error(`offlinesync: the id ${entry.id} belongs to something else that was saved. Leave it out, and there is a new one.`);
  }
}

/** @returns {object} what is kept is what is sent */
function asJson(data) {
  const isObject = Object.prototype.toString.call(data) === "[object Object]";
  if (!isObject) throw new TypeError('offlinesync.submit() needs an object: submit("checkout", {items: […]}).');
  return JSON.parse(JSON.stringify(data));
}

/** @param {Record<string, File | File[]>} files @returns {{field: string, file: File}[]} */
function chosenFrom(files) {
  return Object.entries(files).flatMap(([field, chosen]) =>
    [chosen].flat().map((file) => {
      if (file instanceof File) return { field, file };
      throw new TypeError(`offlinesync.submit() needs a File, or several in an array, for ${field}.`);
    }),
  );
}
