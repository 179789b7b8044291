/**
 * What is left to tell of a loss when the browser has removed the outbox without a word (row A9): how much waited, since
 * when, and in which database. It holds no words, and is read for the same owner only (P4).
 *
 * @typedef {object} Loss
 * @property {number} count
 * @property {string} since  when the oldest was saved, as the device had it
 *
 * @typedef {{born?: string, count?: number, since?: string, missing?: Loss}} Left
 *
 * @param {object} collaborators
 * @param {() => Storage} collaborators.storage  throws where the browser refuses it (row A10)
 * @param {string} collaborators.key  names the site and the owner
 */
export function createTrace({ storage, key }) {
  /** @returns {Left} what earlier visits have left */
  function read() {
    try {
      return JSON.parse(storage().getItem(key)) ?? {};
    } catch {
      // Refused, or not ours: there is no trace, and nothing to say.
      return {};
    }
  }

  function write(left) {
    const text = JSON.stringify(left);
    try {
      if (text === "{}") storage().removeItem(key);
      else if (text !== storage().getItem(key)) storage().setItem(key, text);
    } catch {
      // Refused or full: without a trace a loss is not noticed, and everything else works.
    }
  }

  return {
    read,

    /**
     * An outbox that is empty is no loss: the worker may have delivered it all. One that is another database is.
     *
     * @param {Left} before  as it was read before the outbox was: a database that another tab has made since is no loss
     * @param {{born: string | null, count: number, since: string | null}} now  what the outbox holds
     * @returns {Loss | null} what is missing, until it is dismissed
     */
    reconcile(before, { born, count, since }) {
      const left = read();
      // Another tab may have seen to it meanwhile.
      const isLost = before.count > 0 && before.born !== born && before.born === left.born;
      const missing = isLost ? together(left.missing, left) : left.missing;
      write({ ...(born !== null && count > 0 ? { born, count, since } : {}), ...(missing ? { missing } : {}) });
      return missing ?? null;
    },

    dismiss() {
      const { missing, ...left } = read();
      write(left);
    },
  };
}

/** @param {Loss | undefined} earlier @param {Loss} later @returns {Loss} */
function together(earlier, { count, since }) {
  return earlier ? { count: earlier.count + count, since: earlier.since } : { count, since };
}

/**
 * Asks the browser not to remove what lies on the device, once. Nobody waits for the answer: Firefox asks the person, who
 * may never say (row A10).
 *
 * @param {object} collaborators
 * @param {StorageManager | undefined} collaborators.storage
 * @returns {() => void}
 */
export function createPersistence({ storage }) {
  let isAsked = false;

  async function ask() {
    await storage?.persist?.();
  }

  return function askToPersist() {
    if (isAsked) return;
    isAsked = true;
    ask().catch((error) => console.info("offlinesync: the browser was asked in vain to keep what lies here.", error));
  };
}
