/** @import { Entry, Pause, Receipt } from "./entries.js" */

const SENDABLE = ["waiting", "stuck"];

/**
 * The saved forms of one browser profile, in IndexedDB. Every promise here resolves when its transaction has
 * completed, never earlier (P1, row A1).
 *
 * @param {object} collaborators
 * @param {ReturnType<typeof import("./database.js").createDatabase>} collaborators.database
 * @param {typeof IDBKeyRange} collaborators.IDBKeyRange
 * @param {() => string} collaborators.newId
 * @param {(error: unknown) => void} [collaborators.reportError]
 */
export function createOutbox({ database, IDBKeyRange, newId, reportError = reportAnyhow }) {
  const { open, transact, result } = database;
  /** What could not be read, and has been reported. @type {Set<IDBValidKey>} */
  const reported = new Set();

  /**
   * Chromium keeps large values in files of their own. Where one is lost, `getAll` fails for all: then each entry is read
   * by itself, and the lost one passed over (row B9).
   *
   * @template T
   * @param {(stores: Record<string, IDBObjectStore>, getAll: typeof together) => Promise<T>} work
   * @returns {Promise<T>}
   */
  async function read(work) {
    try {
      return await transact("readonly", (stores) => work(stores, together));
    } catch (error) {
      if (isOfConnection(error)) throw error;
      const lost = await findLost();
      return transact("readonly", (stores) => work(stores, without(lost)));
    }
  }

  /** @param {IDBIndex} index @param {IDBValidKey | IDBKeyRange} query @param {number} [limit] @returns {Promise<Entry[]>} */
  const together = (index, query, limit) => result(index.getAll(query, limit));

  /** @param {Set<IDBValidKey>} lost @returns {typeof together} */
  const without = (lost) => async (index, query, limit) => {
    const keys = await result(index.getAllKeys(query));
    const there = keys.filter((key) => !lost.has(key)).slice(0, limit);
    return Promise.all(there.map((key) => result(index.objectStore.get(key))));
  };

  /** Each that is lost ends the transaction that it is read in, whatever its request's listener says. */
  async function findLost() {
    const lost = new Set();
    let keys = await transact("readonly", ({ entries }) => result(entries.getAllKeys()));
    while (keys.length) {
      let place = 0;
      try {
        await transact("readonly", async ({ entries }) => {
          for (; place < keys.length; place++) await result(entries.get(keys[place]));
        });
      } catch (error) {
        if (isOfConnection(error) || place === keys.length) throw error;
        lost.add(keys[place]);
        if (!reported.has(keys[place])) reportError(error);
        reported.add(keys[place]);
      }
      keys = keys.slice(place + 1);
    }
    return lost;
  }

  /**
   * What has timed out may have been written all the same. A fresh connection reads after whatever the old one has
   * still to write, so its answer is the truth (P1, row A3).
   *
   * @param {Promise<boolean>} writing
   * @param {string} id
   * @param {(kept: Entry | undefined) => boolean} isWritten
   * @returns {Promise<boolean>}
   */
  async function orWritten(writing, id, isWritten) {
    try {
      return await writing;
    } catch (error) {
      if (error.name !== "TimeoutError") throw error;
      // Where there is no connection either, the doubt remains, and is what the form has to be told.
      const kept = await byId(id).catch(() => undefined);
      if (isWritten(kept)) return true;
      throw error;
    }
  }

  /** @param {string} id */
  const byId = (id) => transact("readonly", ({ entries }) => result(entries.index("id").get(id)));

  /** @param {string} id */
  const filesOf = (id) => IDBKeyRange.bound([id], [id, []]);

  /** @param {string} owner */
  const allOf = (owner) => IDBKeyRange.bound([owner], [owner, []]);

  function putFiles(store, entry, contents) {
    entry.files.forEach((file, index) => store.put({ entry: entry.id, part: file.part, content: contents[index] }));
  }

  /** @returns {Promise<Entry | null>} the record, unless it has been edited since `entry` was read */
  async function unchanged(entries, entry) {
    // By what every record has: whatever else is damaged, what came of it can be written down (row B9).
    const kept = await result(entries.get(entry.seq));
    const isSameOne = kept?.id === entry.id && Object.is(kept?.revision, entry.revision);
    return kept && isSameOne ? kept : null;
  }

  async function change({ entries }, entry, edit) {
    const kept = await unchanged(entries, entry);
    if (kept) entries.put(edit(kept));
  }

  async function remove({ entries, files }, entry) {
    const kept = await unchanged(entries, entry);
    if (!kept) return;
    entries.delete(kept.seq);
    files.delete(filesOf(kept.id));
  }

  /** With the first entry: before it there is nothing that could be lost (row A9). */
  async function nameDatabase(state) {
    if (!(await result(state.get("born")))) state.put({ key: "born", id: newId() });
  }

  return {
    /** Rejects where IndexedDB is missing, refused or hangs (row A10). */
    async open() {
      await open();
    },

    /**
     * Saves an entry with its files, all or nothing (row A7).
     *
     * @param {Entry} entry
     * @param {ArrayBuffer[]} contents  one for each of `entry.files`; Blobs do not survive WebKit (row A6)
     * @param {IDBValidKey[]} [drafts]  of these words: they go with it
     * @returns {Promise<boolean>} false where the id is taken by other words; the same ones are saved once
     */
    save(entry, contents, drafts = []) {
      const writing = transact("readwrite", async ({ entries, files, state }) => {
        const kept = await result(entries.index("id").get(entry.id));
        if (kept && !isSame(kept, entry)) return false;
        for (const draft of drafts) state.delete(draft);
        if (kept) return true;
        await nameDatabase(state);
        await result(entries.add(entry));
        putFiles(files, entry, contents);
        return true;
      });
      return orWritten(writing, entry.id, (kept) => isSame(kept, entry));
    },

    /**
     * Puts what the person has corrected in the place of what was refused.
     *
     * @param {string} id  of the refused entry
     * @param {Entry} entry  under the same id, or as new under another (P2)
     * @param {ArrayBuffer[]} contents
     * @param {IDBValidKey[]} [drafts]  of these words: they go with it
     * @returns {Promise<boolean>} false where the entry is gone or waiting: a waiting entry never changes
     */
    replace(id, entry, contents, drafts = []) {
      const writing = transact("readwrite", async ({ entries, files, state }) => {
        const old = await result(entries.index("id").get(id));
        const isDone = isWaiting(old, entry);
        if (!isDone && (!old || old.state === "waiting" || old.owner !== entry.owner)) return false;
        for (const draft of drafts) state.delete(draft);
        if (isDone) return true;
        // What this version does not know stays in the record (row A5).
        entries.put({ ...old, ...entry, seq: old.seq, revision: (Number(old.revision) || 0) + 1 });
        files.delete(filesOf(id));
        putFiles(files, entry, contents);
        return true;
      });
      return orWritten(writing, entry.id, (kept) => isWaiting(kept, entry));
    },

    /**
     * Removes what its owner wants to be rid of (P2), with its files.
     *
     * @param {Entry} entry  as the person has seen it
     * @returns {Promise<Entry | null>} as it was; null where it is gone already, or has been edited since
     */
    discard(entry) {
      return transact("readwrite", async (stores) => {
        const kept = await unchanged(stores.entries, entry);
        if (kept) await remove(stores, kept);
        return kept;
      });
    },

    /**
     * Takes back what its owner has just discarded, in its old place if that is free.
     *
     * @param {Entry} entry
     * @param {ArrayBuffer[]} contents
     */
    restore(entry, contents) {
      return transact("readwrite", async ({ entries, files, state }) => {
        if (await result(entries.index("id").get(entry.id))) return;
        await nameDatabase(state);
        const { seq, ...unplaced } = entry;
        await result(entries.add((await result(entries.get(seq))) ? unplaced : entry));
        putFiles(files, entry, contents);
      });
    },

    /**
     * The person wants it sent now. What the site itself has asked for holds all the same (row B12).
     *
     * @param {string} owner
     */
    async hasten(owner) {
      const found = await read(({ entries }, getAll) => Promise.all(SENDABLE.map((state) => getAll(entries.index("state"), [owner, state]))));
      const paused = found.flat().filter(({ pause }) => pause);
      const end = (kept) => (kept.pause && !kept.pause.isAsked ? { ...kept, pause: { ...kept.pause, until: kept.pause.since } } : kept);
      await transact("readwrite", (stores) => Promise.all(paused.map((entry) => change(stores, entry, end))));
    },

    /** @param {string} owner @returns {Promise<number>} how many of the owner's entries could go out */
    unsent(owner) {
      return transact("readonly", async ({ entries }) => {
        const counts = await Promise.all(SENDABLE.map((state) => result(entries.index("state").count([owner, state]))));
        return counts.reduce((sum, count) => sum + count, 0);
      });
    },

    /**
     * @param {string} id
     * @returns {Promise<Entry | undefined>}
     */
    get: byId,

    /**
     * @param {Entry} entry
     * @returns {Promise<(ArrayBuffer | undefined)[]>} in the order of `entry.files`
     */
    contents(entry) {
      return transact("readonly", async ({ files }) => {
        const records = await Promise.all((entry.files ?? []).map((file) => result(files.get([entry.id, file.part]))));
        return records.map((record) => record?.content);
      });
    },

    /**
     * One owner's entries in the order they were saved.
     *
     * @param {string} owner
     * @param {{after: number, limit: number}} page  `after`: the `seq` to go on behind
     * @returns {Promise<Entry[]>} fewer than `limit` only at the end
     */
    page(owner, { after, limit }) {
      const range = IDBKeyRange.bound([owner, after], [owner, []], true);
      return read(({ entries }, getAll) => getAll(entries.index("owner"), range, limit));
    },

    /**
     * @param {string} owner
     * @returns {Promise<Entry[]>} those that the person has to look at
     */
    needingAttention(owner) {
      return read(async ({ entries }, getAll) => {
        const index = entries.index("state");
        const found = await Promise.all(["refused", "stuck"].map((state) => getAll(index, [owner, state])));
        return found.flat().sort((a, b) => a.seq - b.seq);
      });
    },

    /**
     * @param {string} owner
     * @param {number} limit
     * @returns {Promise<{count: number, first: Entry[], born: string | null}>} how many of the owner's entries wait for a
     *   delivery, the first so many of them, and what names this database: after a loss the browser makes a new one (row A9)
     */
    waiting(owner, limit) {
      return read(async ({ entries, state }, getAll) => {
        const index = entries.index("state");
        const asked = [index.count([owner, "waiting"]), state.get("born")].map(result);
        const [first, count, born] = await Promise.all([getAll(index, [owner, "waiting"], limit), ...asked]);
        return { count, first, born: born?.id ?? null };
      });
    },

    /** @param {string} owner @param {number} limit @returns {Promise<Entry[]>} what was saved last, in whatever state it is */
    latest(owner, limit) {
      return transact("readonly", async ({ entries }) => {
        const keys = await result(entries.index("owner").getAllKeys(allOf(owner)));
        return Promise.all(keys.slice(-limit).map((key) => result(entries.get(key))));
      });
    },

    /**
     * Whether the outbox holds anything but one owner's entries. No number: it is nobody else's business (P4).
     *
     * @param {string} owner
     * @returns {Promise<boolean>}
     */
    holdsOthers(owner) {
      return transact("readonly", async ({ entries }) => {
        const [all, own] = await Promise.all([
          result(entries.count()),
          result(entries.index("owner").count(allOf(owner))),
        ]);
        return all > own;
      });
    },

    /**
     * @returns {Promise<{sendable: boolean, hold: Pause | null}>} whether there is anything at all that could be sent, and
     *   until when the site has asked to be left alone
     */
    outlook() {
      return transact("readonly", async ({ entries, state }) => {
        const sendable = await Promise.all(SENDABLE.map((name) => result(entries.index("sendable").count(name))));
        const held = await result(state.get("hold"));
        return { sendable: sendable.some((count) => count > 0), hold: held?.pause ?? null };
      });
    },

    /** @param {Pause} pause  for every page and the worker, and those that start later (row B12) */
    async hold(pause) {
      await transact("readwrite", ({ state }) => result(state.put({ key: "hold", pause })));
    },

    /**
     * Carries out what came of one request, in one transaction. An entry that has been edited since it was sent
     * is left as it is.
     *
     * @param {object} outcome
     * @param {Entry[]} [outcome.accepted]
     * @param {{entry: Entry, receipt: Receipt}[]} [outcome.refused]
     * @param {{entry: Entry, trouble: string, pause: Pause}[]} [outcome.deferred]  goes on being tried
     * @param {{entry: Entry, trouble: string, pause: Pause}[]} [outcome.failed]  likewise; sent alone, and no receipt came
     * @param {{entry: Entry, trouble: string, pause: Pause}[]} [outcome.stuck]  likewise, and the person is told
     * @param {{entry: Entry, sent: Record<string, number>}[]} [outcome.progressed]  a part of a file has arrived
     */
    settle({ accepted = [], refused = [], deferred = [], failed = [], stuck = [], progressed = [] }) {
      return transact("readwrite", async (stores) => {
        const oneMore = (failures) => (Number(failures) || 0) + 1;
        const changed = [
          ...refused.map(({ entry, receipt }) => [entry, () => ({ state: "refused", receipt })]),
          ...deferred.map(({ entry, trouble, pause }) => [entry, () => ({ trouble, pause })]),
          ...failed.map(({ entry, trouble, pause }) => [entry, ({ failures }) => ({ trouble, pause, failures: oneMore(failures) })]),
          ...progressed.map(({ entry, sent }) => [entry, () => ({ sent, failures: 0, pause: null, trouble: null })]),
          ...stuck.map(({ entry, trouble, pause }) => [
            entry,
            ({ failures }) => ({ trouble, pause, failures: oneMore(failures), state: "stuck" }),
          ]),
        ];
        await Promise.all([
          ...accepted.map((entry) => remove(stores, entry)),
          ...changed.map(([entry, edit]) => change(stores, entry, (kept) => ({ ...kept, ...edit(kept) }))),
        ]);
      });
    },
  };
}

/** It says nothing of a single record. @param {Error} error */
const isOfConnection = ({ name }) => ["TimeoutError", "AbortError", "InvalidStateError"].includes(name);

/** @param {unknown} error */
function reportAnyhow(error) {
  // Older browsers have no reportError.
  (globalThis.reportError ?? console.error)(error);
}

/**
 * Whether it holds the same words, whatever has become of them.
 *
 * @param {Entry | undefined} kept
 * @param {Entry} entry
 */
function isSame(kept, entry) {
  const words = ({ owner, form, target, fields, files, data }) => JSON.stringify([owner, form, target ?? null, fields, files, data ?? null]);
  return kept !== undefined && words(kept) === words(entry);
}

/**
 * @param {Entry | undefined} kept
 * @param {Entry} entry
 */
function isWaiting(kept, entry) {
  return kept?.state === "waiting" && isSame(kept, entry);
}
