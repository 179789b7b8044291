const VERSION = 2;
const STORES = ["entries", "files", "state"];
const REOPEN_ATTEMPTS = 3;

/**
 * The outbox's database, and a connection to it that is made anew whenever the browser has lost it (row A3).
 *
 * @param {object} collaborators
 * @param {IDBFactory} collaborators.indexedDB
 * @param {{setTimeout: Function, clearTimeout: Function}} collaborators.clock
 * @param {string} collaborators.name
 * @param {() => void} [collaborators.announceBlocked]  asks all that could be in the way to let go
 * @param {number} [collaborators.openTimeout]  milliseconds
 * @param {number} [collaborators.patience]  milliseconds that one transaction may take; large files on a slow device take some
 */
export function createDatabase({ indexedDB, clock, name, announceBlocked = () => {}, openTimeout = 5000, patience = 60000 }) {
  /** @type {Promise<IDBDatabase> | null} */
  let opening = null;
  /** @type {Set<IDBTransaction>} */
  const underWay = new Set();

  function forget() {
    opening = null;
  }

  /** @param {number} [version]  without one, whatever is there */
  function connect(version) {
    return new Promise((resolve, reject) => {
      let isLate = false;
      const impatient = clock.setTimeout(announceBlocked, openTimeout / 2);
      // An upgrade blocked by another tab can hang for ever without an error (row A4).
      const timer = clock.setTimeout(() => {
        isLate = true;
        reject(new Error("IndexedDB did not open in time"));
      }, openTimeout);
      const request = indexedDB.open(name, version);
      request.onupgradeneeded = () => createStores(request.result);
      request.onerror = () => {
        clock.clearTimeout(impatient);
        clock.clearTimeout(timer);
        reject(request.error);
      };
      request.onsuccess = () => {
        clock.clearTimeout(impatient);
        clock.clearTimeout(timer);
        const database = request.result;
        // Nobody waits for it any more, and it would block the next upgrade (row A4).
        if (isLate) return database.close();
        database.onversionchange = () => drop(database);
        database.onclose = forget;
        resolve(database);
      };
    });
  }

  /** A newer release may have been here, and live on in another tab. Its schema only adds to this one (rows A5, B13). */
  async function connectToAny() {
    try {
      return await connect(VERSION);
    } catch (error) {
      if (error.name !== "VersionError") throw error;
      return connect();
    }
  }

  function drop(database) {
    database.close();
    forget();
  }

  /** @returns {Promise<IDBDatabase>} */
  async function open() {
    opening ??= connectToAny();
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
   * @returns {Promise<{database: IDBDatabase, transaction: IDBTransaction}>}
   */
  async function begin(mode) {
    for (let attempt = 1; ; attempt++) {
      const database = await open();
      try {
        // Browsers default to a durability that a power cut undoes (row A2).
        return { database, transaction: database.transaction(STORES, mode, { durability: "strict" }) };
      } catch (error) {
        if (error.name !== "InvalidStateError" || attempt === REOPEN_ATTEMPTS) throw error;
        forget();
      }
    }
  }

  /**
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(stores: {entries: IDBObjectStore, files: IDBObjectStore, state: IDBObjectStore}) => Promise<T>} work
   * @returns {Promise<T>} rejects with a `TimeoutError` where nobody knows what came of it
   */
  async function transact(mode, work) {
    const { database, transaction } = await begin(mode);
    underWay.add(transaction);
    const completed = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error ?? new Error("The transaction was aborted"));
    });
    const worked = work(Object.fromEntries(STORES.map((store) => [store, transaction.objectStore(store)])));
    worked.catch(() => abort(transaction));
    try {
      const [value] = await inTime(Promise.all([worked, completed]), () => {
        abort(transaction);
        drop(database);
      });
      return value;
    } finally {
      underWay.delete(transaction);
    }
  }

  /**
   * The browser can lose the connection to its database, and then ends a transaction neither way (row A3).
   *
   * @template T
   * @param {Promise<T>} work
   * @param {() => void} giveUp
   * @returns {Promise<T>}
   */
  async function inTime(work, giveUp) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = clock.setTimeout(() => {
        giveUp();
        reject(Object.assign(new Error("IndexedDB did not answer in time"), { name: "TimeoutError" }));
      }, patience);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clock.clearTimeout(timer);
    }
  }

  return {
    open,
    transact,
    result,

    /**
     * Takes back what is not completed yet. WebKit keeps a page with its transaction when it is left, for the way back,
     * and nobody else can write in the meantime (row B10).
     */
    leave() {
      for (const transaction of underWay) abort(transaction);
    },
  };
}

/**
 * Whatever is not there yet: a schema is only ever added to (row A5). Without writing a record, for which there may be no
 * room: the form then says so, and is not sent into the void (P7, row A1).
 *
 * @param {IDBDatabase} database
 */
function createStores(database) {
  const lacks = (name) => !database.objectStoreNames.contains(name);
  if (lacks("entries")) {
    const entries = database.createObjectStore("entries", { keyPath: "seq", autoIncrement: true });
    entries.createIndex("id", "id", { unique: true });
    entries.createIndex("owner", ["owner", "seq"]);
    entries.createIndex("state", ["owner", "state"]);
    entries.createIndex("sendable", "state");
  }
  if (lacks("files")) database.createObjectStore("files", { keyPath: ["entry", "part"] });
  if (lacks("state")) database.createObjectStore("state", { keyPath: "key" });
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
