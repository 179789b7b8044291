/**
 * What goes wrong next. A fault waits for its chance: the next request, the next transaction.
 *
 * @param {ReturnType<import("./random.js").createRandom>} random
 * @param {(what: string) => void} note
 */
export function createFaults(random, note) {
  /** @type {Map<string, number>} */
  const loaded = new Map();
  /** @type {Record<string, number>} */
  const injected = {};

  function count(kind) {
    injected[kind] = (injected[kind] ?? 0) + 1;
    note(`fault ${kind}`);
  }

  return {
    injected,
    count,

    /** @param {string} kind @param {number} times */
    load(kind, times) {
      loaded.set(kind, (loaded.get(kind) ?? 0) + times);
    },

    /** @param {string} kind @returns {boolean} whether it happens now */
    take(kind) {
      const left = loaded.get(kind) ?? 0;
      if (!left) return false;
      loaded.set(kind, left - 1);
      count(kind);
      return true;
    },

    /** @param {string[]} kinds @returns {string | undefined} one of them, if any is due */
    takeOne(kinds) {
      const due = kinds.filter((kind) => loaded.get(kind) > 0);
      if (!due.length) return undefined;
      const kind = random.pick(due);
      this.take(kind);
      return kind;
    },

    heal() {
      loaded.clear();
    },
  };
}
