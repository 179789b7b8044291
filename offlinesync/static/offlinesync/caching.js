const AT_ONCE = ["stale-while-revalidate", "cache-first"];
const SELDOM = "cache-first";
// A broken storage may never answer, and no page is to wait for it (P9); without a network there is nothing else to wait for.
const LONGEST_LOOK = 1000;
const LONGEST_LAST_LOOK = 5000;

/**
 * Answers for the pages and files of the site, by the strategy that each kept page bears; network first without one.
 * Whatever fails here falls through to the network (P9).
 *
 * @param {object} collaborators
 * @param {ReturnType<typeof import("./keeping.js").createKeeping>} collaborators.keeping
 * @param {ReturnType<typeof import("./ownership.js").createOwnership>} collaborators.ownership
 * @param {ReturnType<typeof import("./sessions.js").createSessions>} collaborators.fetchSession
 * @param {typeof fetch} collaborators.fetch
 * @param {{wall: () => number, setTimeout: Function, clearTimeout: Function}} collaborators.clock
 * @param {string} collaborators.origin
 * @param {{networkTimeout: number}} collaborators.config  milliseconds
 */
export function createCaching({ keeping, ownership, fetch, fetchSession, clock, origin, config }) {
  /** What comes after a form was posted is the answer to it, and no page from before. */
  let hasPosted = false;
  /** Looks into the caches that have outlasted their limit. */
  const hanging = new Set();

  const pathOf = ({ url }) => {
    const { pathname, search } = new URL(url);
    return pathname + search;
  };

  /** @template T @param {Promise<T>} work @returns {Promise<T | undefined>} */
  async function inTime(work, limit = config.networkTimeout) {
    let timer;
    const late = new Promise((resolve) => {
      timer = clock.setTimeout(() => resolve(undefined), limit);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clock.clearTimeout(timer);
    }
  }

  /** With a broken cache the site is what it is without us (P9). */
  async function orNothing(look, limit) {
    let isOver = false;
    const looking = look().finally(() => {
      isOver = true;
      hanging.delete(looking);
    });
    try {
      const found = await inTime(looking, limit);
      if (!isOver) hanging.add(looking);
      return found;
    } catch (error) {
      console.info("offlinesync: what is kept could not be read.", error);
      return undefined;
    }
  }

  /** While a look hangs, the network is not kept waiting by one file after the other. */
  const first = async (look) => (hanging.size > 0 ? undefined : orNothing(look, LONGEST_LOOK));

  /** Where there is no network, a cache that is slow is better than none. */
  const afterAll = (look) => orNothing(look, LONGEST_LAST_LOOK);

  /** By now somebody may have signed out (P8). */
  async function findAnything(path) {
    const { owner } = await ownership.read();
    return (await keeping.find(path, owner)) ?? keeping.findOffline();
  }

  /** What fails behind a page does not hold it up: the copy that is kept stays (P9). */
  async function quietly(work) {
    try {
      await work;
    } catch (error) {
      console.info("offlinesync: a page was not kept anew.", error);
    }
  }

  /** @param {Request} request @param {Promise<Response | undefined> | undefined} preload */
  async function fromNetwork(request, preload) {
    const loaded = await preload;
    // In Firefox a preload that fails is an answer all the same.
    if (loaded?.type === "error") throw new TypeError("The network could not be reached");
    return loaded ?? fetch(request);
  }

  /** Whoever has signed out here is nobody from then on, even where the site does not know it yet (P8). */
  async function asNobody(request) {
    await inTime(fetchSession());
    const { leaving } = await ownership.read();
    if (!leaving) return fetch(request);
    return fetch(request.url, { credentials: "omit", redirect: "manual", headers: { Accept: request.headers.get("accept") ?? "*/*" } });
  }

  return {
    /**
     * @param {Request} request
     * @returns {"page" | "static" | null} null: none of the worker's business (P9)
     */
    concerns(request) {
      if (request.mode === "navigate" && request.method !== "GET") hasPosted = true;
      if (request.method !== "GET" || request.headers.has("range")) return null;
      if (request.mode === "navigate") return new URL(request.url).origin === origin ? "page" : null;
      return keeping.isStatic(request.url) ? "static" : null;
    },

    /**
     * @param {{request: Request, preload?: Promise<Response | undefined>}} event
     * @param {(work: Promise<unknown>) => void} waitUntil
     * @returns {Promise<Response>}
     */
    async page({ request, preload }, waitUntil) {
      const path = pathOf(request);
      const isAnswer = hasPosted;
      const { owner, leaving } = await ownership.read();
      const copy = await first(() => keeping.find(path, owner));
      if (copy) waitUntil(quietly(keeping.use(path, owner)));
      if (!isAnswer && copy?.facts.strategy === SELDOM && !keeping.isOld(copy)) {
        // The browser has begun it, and counts it as broken off when nobody takes it.
        waitUntil(quietly(preload));
        return copy.response;
      }
      const at = clock.wall();
      const arriving = leaving ? asNobody(request) : fromNetwork(request, preload);
      // Where the page is being kept already, nobody else takes what comes of it.
      waitUntil(quietly(arriving));
      const kept = quietly(keeping.keepFrom(path, async () => (await arriving).clone(), at));
      // By then it is known whether somebody has signed in by it.
      if (isAnswer) kept.then(() => (hasPosted = false));
      waitUntil(kept);
      if (!isAnswer && copy && AT_ONCE.includes(copy.facts.strategy)) return copy.response;
      try {
        return (await (copy && !isAnswer ? inTime(arriving) : arriving)) ?? copy.response;
      } catch (error) {
        const instead = copy ?? (await afterAll(() => findAnything(path)));
        if (!instead) throw error;
        return instead.response;
      }
    },

    /**
     * @param {{request: Request}} event
     * @returns {Promise<Response>}
     */
    async static({ request }) {
      const copy = await first(() => keeping.findFile(request.url));
      if (copy && keeping.isImmutable(request.url)) return copy.response;
      try {
        return await keeping.fetchFile(request);
      } catch (error) {
        const instead = copy ?? (await afterAll(() => keeping.findFile(request.url)));
        if (!instead) throw error;
        return instead.response;
      }
    },
  };
}
