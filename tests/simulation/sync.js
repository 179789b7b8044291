const MINUTE = 60000;
// After a first failure, and after a second one; then Chromium forgets it (row B3).
const PAUSES = [5 * MINUTE, 15 * MINUTE];
const LONGEST_EVENT = 3 * MINUTE;

/**
 * Background sync as Chromium has it: three tries, and a tag that is backing off takes no second registration (row B4).
 *
 * @param {object} collaborators
 * @param {ReturnType<import("./scheduler.js").createScheduler>} collaborators.scheduler
 * @param {() => boolean} collaborators.isOnline
 * @param {() => {context: {alive: boolean}, wakeUp: () => Promise<void>}} collaborators.startWorker
 * @param {(context: object) => void} collaborators.killWorker
 */
export function createBackgroundSync({ scheduler, isOnline, startWorker, killWorker }) {
  /** @type {Map<string, {tries: number, timer?: object, isFiring: boolean}>} */
  const registered = new Map();
  let refuses = false;

  function fireSoon(tag, delay) {
    registered.get(tag).timer = scheduler.at(delay, () => fire(tag));
  }

  async function fire(tag) {
    const sync = registered.get(tag);
    if (!sync || sync.isFiring || !isOnline()) return;
    sync.isFiring = true;
    const { context, wakeUp } = startWorker();
    const ended = await Promise.race([
      wakeUp().then(() => "done", () => "failed"),
      new Promise((resolve) => scheduler.at(LONGEST_EVENT, () => resolve("too long"))),
      context.died,
    ]);
    if (ended === "too long") killWorker(context);
    sync.isFiring = false;
    if (registered.get(tag) !== sync) return;
    if (ended === "done" || sync.tries === PAUSES.length) registered.delete(tag);
    else fireSoon(tag, PAUSES[sync.tries++]);
  }

  return {
    /** @param {string} tag */
    async register(tag) {
      if (refuses) throw new DOMException("Permission denied.", "NotAllowedError");
      if (registered.has(tag)) return;
      registered.set(tag, { tries: 0, isFiring: false });
      fireSoon(tag, 10);
    },

    /** The network is back. */
    online() {
      for (const [tag, sync] of registered) if (!sync.isFiring && sync.tries === 0) fireSoon(tag, 2000);
    },

    /** They have been tried while the site was away, and the next try is a long time off (row B4). */
    backOff() {
      for (const [tag, sync] of registered) {
        if (sync.isFiring || sync.tries) continue;
        scheduler.cancel(sync.timer);
        fireSoon(tag, PAUSES[sync.tries++]);
      }
    },

    /** A battery saver, a setting, a crash of the browser's own store (row B5). */
    forgetAll() {
      for (const { timer } of registered.values()) scheduler.cancel(timer);
      registered.clear();
    },

    refuse(whether) {
      refuses = whether;
    },
  };
}
