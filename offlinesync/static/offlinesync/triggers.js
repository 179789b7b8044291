const LONGEST_PAUSE = 60000;

/**
 * Starts deliveries from a page: on load, when the network or the person comes back, and by a timer while something
 * waits. `navigator.onLine` lies, so it only ever starts one early (row B11).
 *
 * @param {object} collaborators
 * @param {Window} collaborators.window
 * @param {ReturnType<import("./delivery.js").createDelivery>} collaborators.deliver
 * @param {ReturnType<import("./status.js").createStatus>} collaborators.status
 * @param {() => Promise<boolean>} collaborators.armSync
 * @param {{setTimeout: Function, clearTimeout: Function}} collaborators.clock
 * @param {() => Promise<unknown>} collaborators.onOutdated  the site no longer speaks this page's protocol
 */
export function createTriggers({ window, deliver, status, armSync, clock, onOutdated }) {
  let timer;

  async function start() {
    clock.clearTimeout(timer);
    let wait = LONGEST_PAUSE;
    try {
      const outcome = await deliver();
      wait = outcome.wait;
      if (outcome.status === "unsupported_protocol") await onOutdated();
      // The browser gives a sync up after a few tries, and this page may be closed at any time (row B3).
      if (wait !== null) await armSync();
      await status.refresh();
    } catch (error) {
      window.reportError(error);
    } finally {
      clock.clearTimeout(timer);
      if (wait !== null) timer = clock.setTimeout(start, wait);
    }
  }

  return {
    /** Starts a delivery now; resolves when the attempt has ended, whatever came of it. */
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
 * @param {ServiceWorkerContainer | undefined} collaborators.serviceWorker
 * @param {{setTimeout: Function, clearTimeout: Function}} collaborators.clock
 * @param {() => string} collaborators.newTag
 * @param {number} [collaborators.patience]  milliseconds to wait for a worker that is still being installed
 * @returns {() => Promise<boolean>} whether the worker will be woken
 */
export function createSync({ serviceWorker, clock, newTag, patience = 5000 }) {
  return async function arm() {
    if (!serviceWorker) return false;
    let timer;
    const timeout = new Promise((resolve) => {
      timer = clock.setTimeout(() => resolve(null), patience);
    });
    try {
      const registration = await Promise.race([serviceWorker.ready, timeout]);
      if (!registration?.sync) return false;
      await registration.sync.register(newTag());
      return true;
    } catch {
      // Refused by a permission, or broken: the page's own triggers deliver (row B5).
      return false;
    } finally {
      clock.clearTimeout(timer);
    }
  };
}
