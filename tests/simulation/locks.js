/**
 * Web Locks of one browser profile: freed when their holder dies (row B6).
 *
 * @param {ReturnType<import("./scheduler.js").createScheduler>} scheduler
 * @param {ReturnType<import("./random.js").createRandom>} random
 */
export function createLocks(scheduler, random) {
  let holder = null;
  const queue = [];

  function grantNext() {
    if (holder || !queue.length) return;
    const request = queue.shift();
    holder = request;
    scheduler.at(random.next() * 3, async () => {
      if (holder !== request) return;
      request.granted = true;
      try {
        request.resolve(await request.callback());
      } catch (error) {
        request.reject(error);
      } finally {
        free(request);
      }
    });
  }

  function free(request) {
    if (holder !== request) return;
    holder = null;
    grantNext();
  }

  function forgetRequest(request) {
    const place = queue.indexOf(request);
    if (place >= 0) queue.splice(place, 1);
  }

  return {
    /** @param {{alive: boolean}} context */
    of: (context) => ({
      request(_name, { signal }, callback) {
        return new Promise((resolve, reject) => {
          if (!context.alive) return;
          const request = { context, callback, resolve, reject, granted: false };
          signal.addEventListener("abort", () => {
            if (request.granted) return;
            forgetRequest(request);
            free(request);
            reject(signal.reason);
          });
          queue.push(request);
          grantNext();
        });
      },
    }),

    /** @param {{alive: boolean}} context  has died */
    release(context) {
      for (const request of queue.filter((waiting) => waiting.context === context)) forgetRequest(request);
      if (holder?.context === context) free(holder);
    },
  };
}
