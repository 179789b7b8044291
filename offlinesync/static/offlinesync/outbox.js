/** @import { Entry, Receipt } from "./entries.js" */

const VERSION = 1;
const STORES = ["entries", "files"];
const REOPEN_ATTEMPTS = 3;

/**
 * The saved forms of one browser profile, in IndexedDB. Every promise here resolves when its transaction has
 * completed, never earlier (P1, row A1).
 *
 * @param {object} collaborators
 * @param {IDBFactory} collaborators.indexedDB
 * @param {typeof IDBKeyRange} collaborators.IDBKeyRange
 * @param {{setTimeout: Function, clearTimeout: Function}} collaborators.clock
 * @param {string} collaborators.name
 * @param {number} [collaborators.openTimeout]  milliseconds
 */
export function createOutbox({ indexedDB, IDBKeyRange, clock, name, openTimeout = 5000 }) {
  /** @type {Promise<IDBDatabase> | null} */
  let opening = null;

  function forget() {
    opening = null;
  }

  function connect() {
    return new Promise((resolve, reject) => {
      // An upgrade blocked by another tab can hang for ever without an error (row A4).
      const timer = clock.setTimeout(() => reject(new Error("IndexedDB did not open in time")), openTimeout);
      const request = indexedDB.open(name, VERSION);
      request.onupgradeneeded = () => createStores(request.result);
      request.onerror = () => {
        clock.clearTimeout(timer);
        reject(request.error);
      };
      request.onsuccess = () => {
        clock.clearTimeout(timer);
        const database = request.result;
        database.onversionchange = () => {
          database.close();
          forget();
        };
        database.onclose = forget;
        resolve(database);
      };
    });
  }

  /** @returns {Promise<IDBDatabase>} */
  async function open() {
    opening ??= connect();
    try {
      return await opening;
    } catch (error) {
      forget();
      throw error;
    }
  }

  /**
   * A handle that the browser has closed under us throws before anything is written, so asking again is safe (row A3).
   *
   * @param {IDBTransactionMode} mode
   */
  async function begin(mode) {
    for (let attempt = 1; ; attempt++) {
      const database = await open();
      try {
        // Browsers default to a durability that a power cut undoes (row A2).
        return database.transaction(STORES, mode, { durability: "strict" });
      } catch (error) {
        if (error.name !== "InvalidStateError" || attempt === REOPEN_ATTEMPTS) throw error;
        forget();
      }
    }
  }

  /**
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(stores: {entries: IDBObjectStore, files: IDBObjectStore}) => Promise<T>} work
   * @returns {Promise<T>}
   */
  async function transact(mode, work) {
    const transaction = await begin(mode);
    const completed = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error ?? new Error("The transaction was aborted"));
    });
    const worked = work({ entries: transaction.objectStore("entries"), files: transaction.objectStore("files") });
    worked.catch(() => abort(transaction));
    const [value] = await Promise.all([worked, completed]);
    return value;
  }

  /** @param {string} id */
  const filesOf = (id) => IDBKeyRange.bound([id], [id, []]);

  /** @param {string} owner */
  const allOf = (owner) => IDBKeyRange.bound([owner], [owner, []]);

  function putFiles(store, entry, contents) {
    entry.files.forEach((file, index) => store.put({ entry: entry.id, part: file.part, content: contents[index] }));
  }

  /** @returns {Promise<Entry | null>} the record, unless it has been edited since `entry` was read */
  async function unchanged(entries, entry) {
    const kept = await result(entries.index("id").get(entry.id));
    return kept?.revision === entry.revision ? kept : null;
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
     */
    save(entry, contents) {
      return transact("readwrite", async ({ entries, files }) => {
        await result(entries.add(entry));
        putFiles(files, entry, contents);
      });
    },

    /**
     * Puts what the person has corrected in the place of what was refused.
     *
     * @param {string} id  of the refused entry
     * @param {Entry} entry  under the same id, or as new under another (P2)
     * @param {ArrayBuffer[]} contents
     * @returns {Promise<boolean>} false where the entry is gone or waiting: a waiting entry never changes
     */
    replace(id, entry, contents) {
      return transact("readwrite", async ({ entries, files }) => {
        const old = await result(entries.index("id").get(id));
        if (!old || old.state === "waiting" || old.owner !== entry.owner) return false;
        // What this version does not know stays in the record (row A5).
        entries.put({ ...old, ...entry, seq: old.seq, revision: old.revision + 1 });
        files.delete(filesOf(id));
        putFiles(files, entry, contents);
        return true;
      });
    },

    /**
     * @param {string} id
     * @returns {Promise<Entry | undefined>}
     */
    get(id) {
      return transact("readonly", ({ entries }) => result(entries.index("id").get(id)));
    },

    /**
     * @param {Entry} entry
     * @returns {Promise<(ArrayBuffer | undefined)[]>} in the order of `entry.files`
     */
    contents(entry) {
      return transact("readonly", async ({ files }) => {
        const records = await Promise.all(entry.files.map((file) => result(files.get([entry.id, file.part]))));
        return records.map((record) => record?.content);
      });
    },

    /**
     * One owner's entries in the order they were saved.
     *
     * @param {string} owner
     * @param {{after: number, limit: number}} page  `after`: the `seq` to go on behind
     * @returns {Promise<Entry[]>}
     */
    page(owner, { after, limit }) {
      const range = IDBKeyRange.bound([owner, after], [owner, []], true);
      return transact("readonly", ({ entries }) => result(entries.index("owner").getAll(range, limit)));
    },

    /**
     * @param {string} owner
     * @returns {Promise<Entry[]>} those that the person has to look at
     */
    needingAttention(owner) {
      return transact("readonly", async ({ entries }) => {
        const index = entries.index("state");
        const found = await Promise.all(["refused", "stuck"].map((state) => result(index.getAll([owner, state]))));
        return found.flat().sort((a, b) => a.seq - b.seq);
      });
    },

    /**
     * @param {string} owner
     * @returns {Promise<number>} how many of the owner's entries wait for a delivery
     */
    countWaiting(owner) {
      return transact("readonly", ({ entries }) => result(entries.index("state").count([owner, "waiting"])));
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

    /** @returns {Promise<boolean>} whether there is anything at all that could be sent */
    holdsSendable() {
      return transact("readonly", async ({ entries }) => {
        const sendable = await Promise.all(["waiting", "stuck"].map((state) => result(entries.index("sendable").count(state))));
        return sendable.some((count) => count > 0);
      });
    },

    /**
     * Carries out what came of one request, in one transaction. An entry that has been edited since it was sent
     * is left as it is.
     *
     * @param {object} outcome
     * @param {Entry[]} outcome.accepted
     * @param {{entry: Entry, receipt: Receipt}[]} outcome.refused
     * @param {Entry[]} outcome.stuck
     * @param {Entry[]} outcome.failed  sent alone, and no receipt came
     */
    settle({ accepted = [], refused = [], stuck = [], failed = [] }) {
      return transact("readwrite", async (stores) => {
        const failedOnce = (kept) => ({ ...kept, failures: kept.failures + 1 });
        await Promise.all([
          ...accepted.map((entry) => remove(stores, entry)),
          ...refused.map(({ entry, receipt }) => change(stores, entry, (kept) => ({ ...kept, state: "refused", receipt }))),
          ...stuck.map((entry) => change(stores, entry, (kept) => ({ ...failedOnce(kept), state: "stuck" }))),
          ...failed.map((entry) => change(stores, entry, failedOnce)),
        ]);
      });
    },
  };
}

/** @param {IDBDatabase} database */
function createStores(database) {
  const entries = database.createObjectStore("entries", { keyPath: "seq", autoIncrement: true });
  entries.createIndex("id", "id", { unique: true });
  entries.createIndex("owner", ["owner", "seq"]);
  entries.createIndex("state", ["owner", "state"]);
  entries.createIndex("sendable", "state");
  database.createObjectStore("files", { keyPath: ["entry", "part"] });
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBTransaction} transaction */
function abort(transaction) {
  try {
    transaction.abort();
  } catch (error) {
    // Where the failed request has aborted it already there is nothing left to abort.
    if (error.name !== "InvalidStateError") throw error;
  }
}
