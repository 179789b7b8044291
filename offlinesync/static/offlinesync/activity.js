// What is over by then needs no word.
const SHOWN_AFTER = 1000;

/**
 * What is being done with what waits: how much of it has gone out, and when there is another try.
 *
 * @typedef {{count: number, total: number, arrived: number | null}} Sending  the first that the site does not have yet, of
 *   so many; how much of its files has arrived, from 0 to 1, where they go out in parts
 *
 * @param {object} collaborators
 * @param {{wall: () => number, setTimeout: Function, clearTimeout: Function}} collaborators.clock
 * @param {() => void} collaborators.changed
 */
export function createActivity({ clock, changed }) {
  let running = 0;
  /** @type {unknown} */
  let timer = null;
  let isLong = false;
  /** @type {number | null} */
  let next = null;
  let waiting = 0;
  let total = 0;
  /** @type {number | null} */
  let arrived = null;

  /** Something is on its way to the site. To find nobody there is no sending. */
  function begin() {
    if (!running || timer !== null) return;
    total = waiting;
    timer = clock.setTimeout(() => {
      isLong = true;
      changed();
    }, SHOWN_AFTER);
  }

  function end() {
    running -= 1;
    if (running > 0) return;
    clock.clearTimeout(timer);
    timer = null;
    const wasLong = isLong;
    isLong = false;
    if (wasLong) changed();
  }

  return {
    /** @param {Promise<import("./delivery.js").Outcome>} delivery */
    async during(delivery) {
      running += 1;
      try {
        const outcome = await delivery;
        // What waits for a time of its own says so itself.
        next = outcome.status === "done" ? null : clock.wall() + outcome.wait;
        return outcome;
      } finally {
        end();
      }
    },

    /** The same transport, listened to. @template {object} T @param {T} transport @returns {T} */
    watch(transport) {
      const heard = (method) => (...args) => {
        begin();
        return transport[method](...args);
      };
      return { ...transport, send: heard("send"), sendPart: heard("sendPart") };
    },

    /** The same lock: whoever waits for it waits for another page, or the worker, that is sending. */
    watchLock: (lock) => async (work) => {
      const waits = clock.setTimeout(begin, SHOWN_AFTER);
      try {
        return await lock(async () => {
          clock.clearTimeout(waits);
          const done = await work();
          // A part of a large file is told by nothing else.
          if (isLong) changed();
          return done;
        });
      } finally {
        clock.clearTimeout(waits);
      }
    },

    /** @param {{count: number, first: import("./entries.js").Entry[]}} found  what waits of the page's owner now */
    see({ count, first }) {
      // What has come since is sent as well.
      total += Math.max(0, count - waiting);
      waiting = count;
      arrived = shareOf(first.find(({ sent }) => sent));
    },

    /** @returns {{sending: Sending | null, next: number | null}} `next`: milliseconds since 1970, by the device's clock */
    now() {
      const sending = { count: Math.max(total - waiting, 0) + 1, total: Math.max(total, waiting), arrived };
      return { sending: isLong && waiting ? sending : null, next };
    },
  };
}

/** @param {import("./entries.js").Entry | undefined} entry  of which parts have been sent */
function shareOf(entry) {
  if (!entry) return null;
  const sum = (numbers) => numbers.reduce((all, number) => all + number, 0);
  return Math.min(sum(Object.values(entry.sent)) / sum(entry.files.map(({ size }) => size)), 1);
}
