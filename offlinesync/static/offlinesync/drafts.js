const PAUSE = 500;
const LONGEST_PAUSE = 3000;

/**
 * What stands in a form that has not been sent, as it lies in the store `state`.
 *
 * @typedef {object} Draft
 * @property {IDBValidKey[]} key  "draft", the owner (P4), the form, and an id of the page that has written it
 * @property {string} at  ISO 8601, by the device's clock
 * @property {[string, string][]} fields
 * @property {boolean} hasFiles  they have to be chosen again
 * @property {string | null} base_version  of what the form showed (row E1)
 * @property {string | null} corrects  id of the refused entry that stood in the form
 * @property {string | null} act  id under which it may have been saved all the same (row A3)
 */

/**
 * Keeps on the device what is typed into the forms that ask for it, until it is saved as an entry, thrown away by hand or
 * taken out of the form again.
 *
 * @param {object} collaborators
 * @param {Window} collaborators.window
 * @param {ReturnType<typeof import("./database.js").createDatabase>} collaborators.database
 * @param {typeof IDBKeyRange} collaborators.IDBKeyRange
 * @param {ReturnType<import("./room.js").createRoom>} collaborators.withRoom
 * @param {{now: () => number, setTimeout: Function, clearTimeout: Function}} collaborators.clock
 * @param {typeof import("./fields.js")} collaborators.fields
 * @param {ReturnType<import("./formstates.js").createFormStates>} collaborators.stateOf
 * @param {typeof import("./acts.js").placeOf} collaborators.placeOf
 * @param {() => string} collaborators.newId
 * @param {() => string} collaborators.timestamp
 * @param {(form: HTMLFormElement, what: "kept" | "failed" | "gone") => void} collaborators.changed
 * @param {(error: unknown) => void} collaborators.reportError
 * @param {string} collaborators.owner
 */
export function createDrafts({
  window, database, IDBKeyRange, withRoom, clock, fields, stateOf, placeOf, newId, timestamp, changed, reportError, owner,
}) {
  const { document } = window;
  const { transact, result } = database;
  /**
   * @typedef {object} Kept
   * @property {IDBValidKey[]} key
   * @property {IDBValidKey[][]} replaced  other drafts that are gone as soon as this one is written or sent
   * @property {[string, string][] | null} begun  what stood there when the page began: the browser may have put it back
   * @property {Draft | null} written
   * @property {boolean} isDirty
   * @property {boolean} isHeld  the form is being saved
   * @property {number | null} since  when the first of what is not written was typed
   * @property {number} [timer]
   * @property {Promise<unknown>} writing
   */
  /** @type {Map<HTMLFormElement, Kept>} */
  const known = new Map();

  const isWanted = (form) => form.dataset.offlinesyncDrafts !== undefined && !fields.holdsSecrets(form);
  const newKey = (form) => ["draft", owner, JSON.stringify(placeOf(form)), newId()];

  /** @param {HTMLFormElement} form @returns {Kept | null} null: nobody has asked for drafts of it */
  function keptOf(form) {
    if (!isWanted(form)) return null;
    if (!known.has(form)) {
      const begun = fields.readForm(form, null).fields;
      known.set(form, { key: newKey(form), replaced: [], begun, written: null, isDirty: false, isHeld: false, since: null, writing: Promise.resolve() });
    }
    return known.get(form);
  }

  function recordOf(form, key) {
    const { fields: words, files } = fields.readForm(form, null);
    const { refusal, unsure, id } = stateOf(form);
    return {
      key,
      at: timestamp(),
      fields: words,
      hasFiles: files.length > 0,
      base_version: form.dataset.offlinesyncBaseVersion ?? null,
      corrects: refusal?.id ?? null,
      act: unsure ? id : null,
    };
  }

  /** Soon after the last key, and not too long after the first. */
  function touch(form) {
    const kept = keptOf(form);
    if (!kept) return;
    kept.isDirty = true;
    if (kept.isHeld) return;
    const now = clock.now();
    kept.since ??= now;
    clock.clearTimeout(kept.timer);
    const pause = Math.min(PAUSE, kept.since + LONGEST_PAUSE - now);
    kept.timer = clock.setTimeout(() => write(form).catch(reportError), Math.max(0, pause));
  }

  /** @param {HTMLFormElement} form @returns {Promise<void>} rejects where what stands in it could not be kept */
  async function write(form) {
    const kept = keptOf(form);
    if (!kept) return;
    clock.clearTimeout(kept.timer);
    if (kept.isDirty && !kept.isHeld) {
      Object.assign(kept, { isDirty: false, since: null });
      kept.writing = put(form, kept);
    }
    await kept.writing;
  }

  async function put(form, kept) {
    const { key, replaced } = kept;
    const record = fields.isFilled(form) ? recordOf(form, key) : null;
    try {
      await withRoom(() =>
        transact("readwrite", async ({ state }) => {
          for (const each of replaced) state.delete(each);
          if (record) state.put(record);
          else state.delete(key);
        }),
      );
    } catch (error) {
      kept.isDirty = true;
      changed(form, "failed");
      throw error;
    }
    // While it was written, the form may have been sent.
    if (kept.key !== key) return;
    kept.written = record;
    kept.replaced = kept.replaced.filter((each) => !replaced.includes(each));
    changed(form, record ? "kept" : "gone");
  }

  function writeAll() {
    for (const form of known.keys()) write(form).catch(reportError);
  }

  return {
    isWanted,
    touch,
    write,

    /** @param {Set<HTMLFormElement>} typed  in which the person has written before */
    start(typed) {
      for (const form of document.forms) keptOf(form);
      for (const type of ["input", "change"]) {
        document.addEventListener(type, ({ target }) => {
          const form = target.form ?? target.closest?.("form");
          if (form) touch(form);
        });
      }
      document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && writeAll());
      window.addEventListener("pagehide", writeAll);
      for (const form of typed) touch(form);
    },

    /** @param {HTMLFormElement} form @returns {Promise<Draft[]>} what other pages have left, the newest first */
    async found(form) {
      const [kind, whose, place, id] = keptOf(form).key;
      const range = IDBKeyRange.bound([kind, whose, place], [kind, whose, place, []]);
      const records = await transact("readonly", ({ state }) => result(state.getAll(range)));
      return records.filter(({ key }) => key[3] !== id).sort((a, b) => (a.at < b.at ? 1 : -1));
    },

    /** @returns {IDBValidKey[]} ids of the drafts that belong to a form of this page */
    alive: () => [...known.values()].flatMap(({ key, replaced }) => [key, ...replaced].map((each) => each[3])),

    /** @param {HTMLFormElement} form @param {Draft} draft @returns {boolean} whether its words stand there, or did when the page began */
    isThere(form, draft) {
      const { begun } = keptOf(form);
      return fields.holds(form, draft.fields) || (begun !== null && fields.holds(form, draft.fields, begun));
    },

    /** What stands in the form has come of it. @param {HTMLFormElement} form @param {Draft} draft */
    adopt(form, draft) {
      keptOf(form).replaced.push(draft.key);
    },

    /**
     * A draft is to stand in the form: what stands there now becomes one of its own.
     *
     * @param {HTMLFormElement} form
     * @param {Draft} draft
     * @returns {Promise<Draft | null>} what stood there; rejects where it could not be kept
     */
    async takeOver(form, draft) {
      const kept = keptOf(form);
      kept.isDirty ||= fields.isFilled(form);
      // Somebody may type on in the meantime.
      do await write(form);
      while (kept.isDirty);
      const aside = kept.written;
      Object.assign(kept, { key: newKey(form), replaced: [draft.key], begun: null, written: null, isDirty: false });
      return aside;
    },

    /** @param {Draft} draft */
    remove: (draft) => transact("readwrite", async ({ state }) => void state.delete(draft.key)),

    /** @param {Draft} draft  that was removed */
    restore: (draft) => withRoom(() => transact("readwrite", async ({ state }) => void state.put(draft))),

    /**
     * The form is being saved, and nothing of it is written beside that.
     *
     * @param {HTMLFormElement} form
     * @returns {Promise<IDBValidKey[][]>} what is to go in the transaction that saves it
     */
    async hold(form) {
      const kept = keptOf(form);
      if (!kept) return [];
      clock.clearTimeout(kept.timer);
      Object.assign(kept, { isHeld: true, isDirty: false, since: null });
      await kept.writing.catch(reportError);
      return [kept.key, ...kept.replaced];
    },

    /** It has been saved: what is typed from here on is another draft. @param {HTMLFormElement} form */
    end(form) {
      const kept = keptOf(form);
      if (!kept) return;
      const { isDirty } = kept;
      Object.assign(kept, { key: newKey(form), replaced: [], begun: null, written: null, isHeld: false });
      changed(form, "gone");
      if (isDirty) touch(form);
    },

    /** However it has ended, what stands in the form is a draft again. @param {HTMLFormElement} form */
    release(form) {
      const kept = keptOf(form);
      if (!kept?.isHeld) return;
      kept.isHeld = false;
      touch(form);
    },
  };
}
