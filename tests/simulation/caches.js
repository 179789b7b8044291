import { ORIGIN } from "./site.js";

const LONGEST_STEP = 5;
const LONGEST_HANG = 5000;

/**
 * Cache Storage of one browser profile. Each call takes its time, and what the dead have asked for happens or does not. As in
 * browsers a cache that is deleted while somebody holds it can be written to still, and nobody finds that again.
 *
 * @param {object} collaborators
 * @param {ReturnType<import("./scheduler.js").createScheduler>} collaborators.scheduler
 * @param {ReturnType<import("./random.js").createRandom>} collaborators.random
 * @param {ReturnType<import("./faults.js").createFaults>} collaborators.faults
 * @param {() => void} collaborators.onChanged
 */
export function createCaches({ scheduler, random, faults, onChanged }) {
  /** @typedef {{text: string, status: number, statusText: string, headers: [string, string][]}} Kept */
  /** @type {Map<string, Map<string, Kept>>} */
  const caches = new Map();

  const urlOf = (request) => new URL(request.url ?? request, ORIGIN).href;

  /** @template T @param {{alive: boolean}} context @param {() => T} work @returns {Promise<T>} */
  function step(context, work) {
    return new Promise((resolve, reject) => {
      if (!context.alive) return;
      const longest = faults.take("cache_hangs") ? LONGEST_HANG : LONGEST_STEP;
      scheduler.at(random.next() * longest, () => {
        if (!context.alive && random.chance(0.5)) return;
        try {
          const value = work();
          if (context.alive) resolve(value);
        } catch (error) {
          if (context.alive) reject(error);
        }
      });
    });
  }

  /** It is in the midst of it that the page or the worker is killed. */
  function change(context, work) {
    if (faults.take("dies_over_cache")) scheduler.at(random.next() * LONGEST_STEP, () => context.alive && context.die());
    const value = work();
    onChanged();
    return value;
  }

  function cacheOf(context, kept) {
    return {
      match(request) {
        return step(context, () => {
          const found = kept.get(urlOf(request));
          return found && new Response(found.text, found);
        });
      },

      async put(request, response) {
        const text = await response.text();
        const { status, statusText, headers } = response;
        return step(context, () => {
          if (faults.take("cache_full")) throw new DOMException("No room.", "QuotaExceededError");
          change(context, () => kept.set(urlOf(request), { text, status, statusText, headers: [...headers] }));
        });
      },

      delete: (request) => step(context, () => change(context, () => kept.delete(urlOf(request)))),
      keys: () => step(context, () => [...kept.keys()].map((url) => ({ url }))),
    };
  }

  return {
    /** @param {{alive: boolean}} context @returns {object} its `caches` */
    of: (context) => ({
      open(name) {
        return step(context, () => {
          if (!caches.has(name)) caches.set(name, new Map());
          return cacheOf(context, caches.get(name));
        });
      },
      has: (name) => step(context, () => caches.has(name)),
      keys: () => step(context, () => [...caches.keys()]),
      delete: (name) => step(context, () => change(context, () => caches.delete(name))),
    }),

    /** @returns {{name: string, url: string, text: string}[]} everything that is kept */
    everything: () => [...caches].flatMap(([name, kept]) => [...kept].map(([url, { text }]) => ({ name, url, text }))),
  };
}
