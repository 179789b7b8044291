/**
 * @typedef {object} Ownership  whose pages may be shown here
 * @property {string | null} owner  who was signed in when the site was last asked, "" for nobody; null: unknown
 * @property {number} turn  another one after each change: what was asked of the site before it is no news after it
 * @property {{owner: string, url: string} | null} leaving  who has signed out here, and where the site is to be told
 */

const KEY = "owner";
const UNKNOWN = { owner: null, turn: 0, leaving: null };
// A large file that is being saved holds the database for longer, a broken cache may never answer, and neither pages nor
// deliveries are to wait for it (P9).
const PATIENCE = 1000;

/**
 * Who is signed in, as far as this device knows: only the site's own answer to that very question counts, since any page
 * may come from some cache (P8, row D6).
 *
 * @param {object} collaborators
 * @param {ReturnType<typeof import("./database.js").createDatabase>} collaborators.database
 * @param {{setTimeout: Function, clearTimeout: Function}} collaborators.clock
 * @param {(owner: string | null) => Promise<void>} collaborators.removeOthers  what is kept for anybody but this owner
 */
export function createOwnership({ database, clock, removeOthers }) {
  const { result } = database;
  /** @param {IDBObjectStore} state @returns {Promise<Ownership>} */
  async function recordIn(state) {
    const { owner, turn, leaving } = { ...UNKNOWN, ...(await result(state.get(KEY))) };
    return { owner, turn, leaving };
  }

  /** @param {(record: Ownership) => Partial<Ownership> | null} edit  null: nothing changes @returns {Promise<Ownership>} */
  function change(edit) {
    return database.transact("readwrite", async ({ state }) => {
      const record = await recordIn(state);
      const edited = edit(record);
      if (!edited) return record;
      const changed = { ...record, ...edited, turn: record.turn + 1 };
      await result(state.put({ key: KEY, ...changed }));
      return changed;
    });
  }

  /** @template T, U @param {Promise<T>} work @param {U} otherwise @returns {Promise<T | U>} */
  async function inTime(work, otherwise) {
    let timer;
    const late = new Promise((resolve) => {
      timer = clock.setTimeout(() => resolve(otherwise), PATIENCE);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clock.clearTimeout(timer);
    }
  }

  return {
    /** @returns {Promise<Ownership>} unknown where it cannot be read: then nobody's pages are shown */
    read() {
      const reading = database.transact("readonly", ({ state }) => recordIn(state));
      return inTime(reading.catch(() => UNKNOWN), UNKNOWN);
    },

    /**
     * The site has said who is signed in.
     *
     * @param {string} owner
     * @param {number} turn  of the record when it was asked
     */
    async learn(owner, turn) {
      const isNews = (record) => record.turn === turn && (record.owner !== owner || record.leaving !== null);
      const { owner: current } = await change((record) => (isNews(record) ? { owner, leaving: null } : null));
      await inTime(removeOthers(current), undefined);
    },

    /**
     * Somebody signs out here: from now on their pages are not shown, and then they are gone, with or without a network.
     *
     * @param {{owner: string, url: string}} leaving  what the site has still to be told
     */
    async leave(leaving) {
      const write = () => change(() => ({ owner: "", leaving }));
      const remove = () => inTime(removeOthers(""), undefined);
      try {
        // On a full device there is room for it once the pages are gone.
        await write().catch(() => remove().then(write));
      } finally {
        await remove();
      }
    },
  };
}
