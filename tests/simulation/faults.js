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
  let isHealed = false;

  function count(kind) {
    injected[kind] = (injected[kind] ?? 0) + 1;
    note(`fault ${kind}`);
  }

  return {
    injected,
    count,

    /** @param {string} kind @param {number} times @param {string} [place]  only there */
    load(kind, times, place = "") {
      loaded.set(kind + place, (loaded.get(kind + place) ?? 0) + times);
    },

    /** @param {string} kind @returns {boolean} whether it happens now */
    take(kind) {
      const left = loaded.get(kind) ?? 0;
      if (!left) return false;
      loaded.set(kind, left - 1);
      count(kind);
      return true;
    },

    /** @param {string[]} kinds @param {string} place @returns {string | undefined} one of them, if any is due there */
    takeOne(kinds, place) {
      const due = kinds.flatMap((kind) => [[kind, kind], [kind, kind + place]]).filter(([, key]) => loaded.get(key) > 0);
      if (!due.length) return undefined;
      const [kind, key] = random.pick(due);
      loaded.set(key, loaded.get(key) - 1);
      count(kind);
      return kind;
    },

    isHealed: () => isHealed,

    heal() {
      isHealed = true;
      loaded.clear();
    },
  };
}
