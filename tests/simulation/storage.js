import FDBFactory from "fake-indexeddb/lib/FDBFactory";

import { clone } from "./platform.js";

const LONGEST_HANG = 8000;

/**
 * IndexedDB of one browser profile, over tabs, workers, kills and power cuts, and with the faults that real ones have.
 *
 * @param {object} collaborators
 * @param {ReturnType<import("./scheduler.js").createScheduler>} collaborators.scheduler
 * @param {ReturnType<import("./random.js").createRandom>} collaborators.random
 * @param {ReturnType<import("./faults.js").createFaults>} collaborators.faults
 * @param {string} collaborators.name
 * @param {() => void} collaborators.onCommitted  what lies in it may have changed
 */
export function createStorage({ scheduler, random, faults, name, onCommitted }) {
  let factory = new FDBFactory();
  /** What a power cut would leave, while that is less than what is there (row A2). @type {object | null} */
  let durable = null;
  /** @type {Map<object, {connections: Set<object>, transactions: Set<object>}>} */
  const held = new Map();

  const raw = () => factory._databases.get(name);

  function heldBy(context) {
    if (!held.has(context)) held.set(context, { connections: new Set(), transactions: new Set() });
    return held.get(context);
  }

  function records(store) {
    const found = raw()?.rawObjectStores.get(store);
    return found ? [...found.records.values()].map(({ value }) => value) : [];
  }

  function open(context, version) {
    if (!context.alive) return {};
    if (faults.take("open_refused")) return refused();
    if (faults.take("open_hangs")) return {};
    const request = factory.open(name, version);
    request.addEventListener("upgradeneeded", () => watch(context, request.transaction));
    request.addEventListener("success", () => adopt(context, request.result));
    return request;
  }

  function refused() {
    const request = { error: new DOMException("Internal error.", "UnknownError") };
    scheduler.at(random.next() * 5, () => request.onerror?.());
    return request;
  }

  function adopt(context, connection) {
    if (!context.alive) return connection.close();
    const { connections } = heldBy(context);
    const onClosed = [];
    connections.add(connection);
    const begin = connection.transaction;
    const close = connection.close;
    connection.close = () => {
      connections.delete(connection);
      close.call(connection);
      for (const run of onClosed.splice(0)) run();
    };
    connection.transaction = (stores, mode, options) => {
      if (!context.alive) throw new Error("A dead page touches its database");
      if (faults.take("dead_handle")) close.call(connection);
      const transaction = begin.call(connection, stores, mode, options);
      watch(context, transaction);
      if (mode === "readwrite") writes(transaction);
      if (faults.take("transaction_hangs")) hang(context, transaction, onClosed);
      return transaction;
    };
  }

  function watch(context, transaction) {
    const { transactions } = heldBy(context);
    transactions.add(transaction);
    const { _rawDatabase: database } = transaction.db;
    const ended = () => {
      transactions.delete(transaction);
      // fake-indexeddb keeps them all, and looks through them whenever one is to begin.
      database.transactions = database.transactions.filter((each) => each !== transaction);
    };
    transaction.addEventListener("complete", ended);
    transaction.addEventListener("abort", ended);
  }

  function writes(transaction) {
    if (faults.take("quota")) failAtTheEnd(transaction, "QuotaExceededError");
    else if (faults.take("transaction_aborts")) failAtTheEnd(transaction, "UnknownError");
    const before = transaction.durability === "strict" || durable ? null : dump();
    transaction.addEventListener("complete", () => {
      if (transaction.durability === "strict") durable = null;
      else durable ??= before;
      onCommitted();
    });
  }

  /** Each request succeeds, and then the whole is undone (row A1). */
  function failAtTheEnd(transaction, error) {
    const start = transaction._start;
    transaction._start = () => {
      if (transaction._started && !transaction._requests.length && transaction._state !== "finished") transaction._abort(error);
      else start.call(transaction);
    };
  }

  /**
   * The connection is lost under a transaction: no event comes for a while, or for as long as the connection is kept, and
   * what comes then is anybody's guess (row A3).
   */
  function hang(context, transaction, onClosed) {
    transaction._start = () => {};
    transaction.abort = () => {};
    const comesBack = () => {
      delete transaction._start;
      delete transaction.abort;
      // In its turn, which may not have come: no two that write are ever under way at once.
      if (context.alive && random.chance(0.5)) transaction.db._rawDatabase.processTransactions();
      else if (transaction._state !== "finished") undo(transaction, "UnknownError");
    };
    const soon = () => scheduler.at(random.next() * LONGEST_HANG, comesBack);
    if (random.chance(0.5)) soon();
    else onClosed.push(soon);
  }

  /** fake-indexeddb does not look at those that wait behind it when it had not begun. */
  function undo(transaction, error) {
    transaction._abort(error);
    transaction.db._rawDatabase.processTransactions();
  }

  function dump() {
    const definitions = [...(raw()?.rawObjectStores.values() ?? [])].map((store) => ({
      name: store.name,
      options: { keyPath: store.keyPath, autoIncrement: store.autoIncrement },
      indexes: [...store.rawIndexes.values()].map(({ name: index, keyPath, unique }) => ({ index, keyPath, unique })),
      records: records(store.name).map(clone),
    }));
    return { version: raw()?.version, definitions };
  }

  /** @returns {Promise<void>} once the device is up again */
  function restore({ version, definitions }) {
    factory = new FDBFactory();
    return new Promise((resolve) => {
      const request = factory.open(name, version);
      request.onupgradeneeded = () => {
        for (const { name: store, options, indexes, records: kept } of definitions) {
          const made = request.result.createObjectStore(store, options);
          for (const { index, keyPath, unique } of indexes) made.createIndex(index, keyPath, { unique });
          for (const record of kept) made.put(record);
        }
      };
      request.onsuccess = () => {
        request.result.close();
        resolve();
      };
    });
  }

  return {
    records,

    /** Whether a transaction has begun to write, and is not over. */
    isWriting: () => (raw()?.transactions ?? []).some(
      ({ mode, _started: hasStarted, _state: state }) => mode === "readwrite" && hasStarted && state !== "finished",
    ),

    /** @param {{alive: boolean}} context @returns {{open: Function}} its `indexedDB` */
    of: (context) => ({ open: (_name, version) => open(context, version) }),

    /** What the dead had begun is undone, unless only its commit was outstanding. @param {object} context */
    release(context) {
      const { connections, transactions } = heldBy(context);
      for (const transaction of transactions) {
        const isCommitting = !transaction._requests.length && transaction.mode !== "versionchange" && random.chance(0.5);
        if (!isCommitting && transaction._state !== "finished") undo(transaction, "AbortError");
      }
      for (const connection of [...connections]) connection.close();
      held.delete(context);
    },

    /** A tab of an older kind, which does not close its connection for those that want to upgrade (row A4). */
    openForAWhile(milliseconds) {
      const request = factory.open(name);
      // It must not be the first: the database would be made without stores.
      request.onupgradeneeded = () => request.transaction.abort();
      request.onsuccess = () => scheduler.at(milliseconds, () => request.result.close());
    },

    /** Everybody is dead by now. */
    async cutPower() {
      if (durable) await restore(durable);
      durable = null;
    },
  };
}
