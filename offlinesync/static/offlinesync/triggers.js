const LONGEST_PAUSE = 60000;
// Chromium tries a sync three times in twenty minutes, then forgets it (row B3).
const REARM_AFTER = 1200000;
// Chromium ends a sync event after three minutes (row B7).
const SYNC_PATIENCE = 100000;

/**
 * Starts deliveries from a page: on load, when the network or the person comes back, and by a timer while something
 * waits. `navigator.onLine` lies, so it only ever starts one early (row B11).
 *
 * @param {object} collaborators
 * @param {Window} collaborators.window
 * @param {ReturnType<import("./delivery.js").createDelivery>} collaborators.deliver
 * @param {ReturnType<import("./status.js").createStatus>} collaborators.status
 * @param {() => Promise<boolean>} collaborators.armSync
 * @param {{now: () => number, setTimeout: Function, clearTimeout: Function}} collaborators.clock
 * @param {() => Promise<unknown>} collaborators.onOutdated  the site no longer speaks this page's protocol
 * @param {(error: unknown) => void} collaborators.reportError
 */
export function createTriggers({ window, deliver, status, armSync, clock, onOutdated, reportError }) {
  let timer;
  let armedUntil = 0;

  /** Once for a row of failures, since each fresh sync is another attempt, and never against the site's wish (row B12). */
  function rearm({ wait, held }) {
    const now = clock.now();
    if (wait === null) armedUntil = 0;
    else if (!held && now >= armedUntil) {
      armedUntil = now + REARM_AFTER;
      armSync();
    }
  }

  async function start() {
    clock.clearTimeout(timer);
    let wait = LONGEST_PAUSE;
    let outcome = null;
    try {
      outcome = await deliver();
      wait = outcome.wait;
      if (outcome.status === "unsupported_protocol") await onOutdated();
      rearm(outcome);
      await status.refresh(outcome.session);
    } catch (error) {
      reportError(error);
    } finally {
      clock.clearTimeout(timer);
      if (wait !== null) timer = clock.setTimeout(start, wait);
    }
    return outcome?.status ?? null;
  }

  return {
    /** Starts a delivery now. @returns {Promise<string | null>} the status of its outcome when it has ended; null: it failed as a whole */
    deliver: start,

    listen() {
      window.addEventListener("online", start);
      window.addEventListener("pageshow", (event) => event.persisted && start());
      window.document.addEventListener("visibilitychange", () => {
        if (window.document.visibilityState === "visible") start();
      });
      return start();
    },
  };
}

/**
 * Asks the browser to wake the worker when there is a network. The tag is a fresh one each time: one that is backing
 * off takes no second registration in Chromium (row B4).
 *
 * @param {object} collaborators
 * @param {{ready: Promise<ServiceWorkerRegistration | {}>} | undefined} collaborators.serviceWorker  our own
 * @param {{setTimeout: Function, clearTimeout: Function}} collaborators.clock
 * @param {() => string} collaborators.newTag
 * @param {number} [collaborators.patience]  milliseconds to wait for a worker that is still being installed
 * @returns {() => Promise<boolean>} whether the worker will be woken; never rejects
 */
export function createSync({ serviceWorker, clock, newTag, patience = 5000 }) {
  async function register() {
    const registration = await serviceWorker.ready;
    if (!registration.sync) return false;
    await registration.sync.register(newTag());
    return true;
  }

  return async function arm() {
    if (!serviceWorker) return false;
    let timer;
    // Both steps can stay pending for ever (row B5).
    const timeout = new Promise((resolve) => {
      timer = clock.setTimeout(() => resolve(false), patience);
    });
    // Refused by a permission, or broken: the page's own triggers deliver.
    const registered = register().catch(() => false);
    try {
      return await Promise.race([registered, timeout]);
    } finally {
      clock.clearTimeout(timer);
    }
  };
}

/**
 * What the worker does when the browser wakes it. Goes on for a while: a server that was away for a moment is back long
 * before the browser's own next try, five minutes later.
 *
 * @param {object} collaborators
 * @param {ReturnType<typeof import("./delivery.js").createDelivery>} collaborators.deliver
 * @param {{now: () => number, setTimeout: Function}} collaborators.clock
 * @returns {() => Promise<void>} rejects while something waits that could go out then, so that there is a next try (row B3)
 */
export function createWakeUp({ deliver, clock }) {
  return async function wakeUp() {
    const until = clock.now() + SYNC_PATIENCE;
    for (;;) {
      const { wait, held } = await deliver();
      if (wait === null) return;
      if (held || clock.now() + wait > until) throw new Error("offlinesync: not everything could be sent yet");
      await new Promise((resolve) => clock.setTimeout(resolve, wait));
    }
  };
}
