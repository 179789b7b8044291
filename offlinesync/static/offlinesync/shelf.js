/**
 * @typedef {object} Facts  what is known of a kept response; times in milliseconds since 1970, as the device has it
 * @property {number} kept  when it was asked for
 * @property {string} version  of its content
 * @property {string} strategy
 * @property {string} language  that it was asked for in, or else is in
 *
 * @typedef {{response: Response, facts: Facts}} Copy
 * @typedef {{maxEntries: number | null, maxAge: number | null}} Limits  age in milliseconds
 */

const FACT = "x-offlinesync-";
// Beside the copies, each of which stays as it is while somebody reads it: WebKitGTK 2.50 crashes otherwise.
const USES = "https://uses.invalid/";
// Of the body as it came over the wire, which is not the body as it is kept.
const OF_THE_WIRE = ["content-encoding", "content-length", "transfer-encoding"];

/**
 * One cache with limits by count and age. What is known of a response travels in its headers, so that the two cannot part.
 *
 * @param {object} collaborators
 * @param {CacheStorage} collaborators.caches
 * @param {{wall: () => number}} collaborators.clock
 * @param {string} collaborators.name
 * @param {Limits} [collaborators.limits]
 */
export function createShelf({ caches, clock, name, limits = { maxEntries: null, maxAge: null } }) {
  /** Only what is kept makes a cache: a site may have been switched off in the meantime. @returns {Promise<Cache | undefined>} */
  const existing = async () => ((await caches.has(name)) ? caches.open(name) : undefined);
  let turn = Promise.resolve();

  /** One change after the other: what is changed must not replace what has just been kept anew. */
  function inTurn(work) {
    const result = turn.then(work);
    const goOn = () => {};
    turn = result.then(goOn, goOn);
    return result;
  }

  /** Whichever way the device's clock has jumped (row B14). @param {Facts} facts */
  const ageOf = ({ kept }) => Math.abs(clock.wall() - kept);

  /** @param {Facts} facts */
  const isTooOld = (facts) => limits.maxAge !== null && ageOf(facts) > limits.maxAge;

  /** @param {Cache | undefined} cache @param {string} url @returns {Promise<Copy | undefined>} */
  async function find(cache, url) {
    const response = await cache?.match(url, { ignoreVary: true });
    return response && { response, facts: factsOf(response.headers) };
  }

  /** @returns {Promise<Record<string, number>>} when each was last shown; milliseconds since 1970, as the device has it */
  async function usesIn(cache) {
    const noted = await cache.match(USES);
    return noted ? noted.json() : {};
  }

  const noteUses = (cache, uses) => cache.put(USES, new Response(JSON.stringify(uses)));

  async function write(cache, url, { response, facts }) {
    const headers = new Headers(response.headers);
    for (const header of OF_THE_WIRE) headers.delete(header);
    for (const [fact, value] of Object.entries(facts)) headers.set(FACT + fact, String(value));
    const { status, statusText } = response;
    await cache.put(url, new Response(response.body, { status, statusText, headers }));
  }

  return {
    ageOf,

    /** @param {string} url @returns {Promise<Copy | undefined>} */
    async get(url) {
      const copy = await find(await existing(), url);
      return copy && !isTooOld(copy.facts) ? copy : undefined;
    },

    /**
     * @param {string} url
     * @param {Response} response
     * @param {{kept: number, version?: string, strategy?: string, language?: string}} facts
     */
    put(url, response, { kept, version = "", strategy = "", language = "" }) {
      const facts = { kept, version, strategy, language };
      return inTurn(async () => write(await caches.open(name), url, { response, facts }));
    },

    /** They were shown. @param {string[]} urls  absolute */
    use(urls) {
      return inTurn(async () => {
        const cache = await existing();
        if (!cache) return;
        const now = clock.wall();
        await noteUses(cache, { ...(await usesIn(cache)), ...Object.fromEntries(urls.map((url) => [url, now])) });
      });
    },

    /**
     * @param {string} url
     * @param {Partial<Facts>} changed
     * @param {(response: Response) => Promise<Response>} [edit]
     */
    change(url, changed, edit = async (response) => response) {
      return inTurn(async () => {
        const cache = await existing();
        const copy = await find(cache, url);
        if (!copy) return;
        await write(cache, url, { response: await edit(copy.response), facts: { ...copy.facts, ...changed } });
      });
    },

    /** @param {string} url */
    remove(url) {
      return inTurn(async () => (await existing())?.delete(url));
    },

    /**
     * Down to the limits: what is too old, and then what has been used least recently.
     *
     * @param {Set<string>} [pinned]  absolute URLs that stay
     */
    trim(pinned = new Set()) {
      return inTurn(async () => {
        const cache = await existing();
        if (!cache) return;
        const uses = await usesIn(cache);
        const requests = (await cache.keys()).filter(({ url }) => url !== USES);
        const found = await Promise.all(requests.map(async ({ url }) => ({ url, copy: await find(cache, url) })));
        const held = found.filter(({ url, copy }) => copy && !pinned.has(url));
        const usedAt = ({ url, copy }) => Math.max(uses[url] ?? 0, copy.facts.kept);
        const fresh = held.filter(({ copy }) => !isTooOld(copy.facts)).sort((a, b) => usedAt(b) - usedAt(a));
        const staying = new Set(fresh.slice(0, limits.maxEntries ?? fresh.length).map(({ url }) => url));
        const leaving = held.filter(({ url }) => !staying.has(url));
        if (!leaving.length) return;
        await Promise.all(leaving.map(({ url }) => cache.delete(url)));
        await noteUses(cache, Object.fromEntries(Object.entries(uses).filter(([url]) => staying.has(url) || pinned.has(url))));
      });
    },
  };
}

/** @param {Headers} headers @returns {Facts} */
function factsOf(headers) {
  const factIn = (name) => headers.get(FACT + name) ?? "";
  const [version, strategy, language] = ["version", "strategy", "language"].map(factIn);
  return { kept: Number(factIn("kept")), version, strategy, language };
}

/**
 * The caches of a site: its static files, and for each owner the pages that the site names and those that were visited.
 *
 * @param {object} collaborators
 * @param {CacheStorage | undefined} collaborators.caches
 * @param {{wall: () => number}} collaborators.clock
 * @param {string} collaborators.prefix  of the cache names: it carries the path of the site (row D10)
 * @param {{pages: Limits, static: Limits}} [collaborators.limits]
 */
export function createShelves({ caches, clock, prefix, limits }) {
  const kinds = ["named", "visited"];
  const made = new Map();
  const nameOf = (kind, owner) => `${prefix}${kind}:${encodeURIComponent(owner)}`;

  function shelf(name, shelfLimits) {
    if (!made.has(name)) made.set(name, createShelf({ caches, clock, name, limits: shelfLimits }));
    return made.get(name);
  }

  /** @param {(name: string) => boolean} isToGo  of names of this site */
  async function removeWhere(isToGo) {
    // Without a secure context there are none.
    if (!caches) return;
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith(prefix) && isToGo(name)).map((name) => caches.delete(name)));
  }

  /** Each by itself: a cache that is removed takes its room until nobody holds it open any more. */
  async function emptyWhere(isToGo) {
    if (!caches) return;
    const names = await caches.keys();
    for (const name of names.filter((each) => each.startsWith(prefix) && isToGo(each))) {
      const cache = await caches.open(name);
      await Promise.all((await cache.keys()).map((request) => cache.delete(request)));
    }
  }

  return {
    /** @param {string} owner */
    named: (owner) => shelf(nameOf("named", owner)),
    /** @param {string} owner */
    visited: (owner) => shelf(nameOf("visited", owner), limits?.pages),
    static: () => shelf(`${prefix}static`, limits?.static),

    /** What was kept for anybody but this owner, and nobody, goes (P8). @param {string | null} owner */
    removeOthers(owner) {
      const staying = kinds.flatMap((kind) => ["", owner ?? ""].map((each) => nameOf(kind, each)));
      return removeWhere((name) => kinds.some((kind) => name.startsWith(nameOf(kind, ""))) && !staying.includes(name));
    },

    /** Makes room: a page that somebody has visited opens with a network. */
    removeVisited: () => emptyWhere((name) => name.startsWith(nameOf("visited", ""))),

    /** Makes room: the worker keeps the site's pages anew when it is installed or a page is opened. */
    removeAll: () => emptyWhere(() => true),

    /** What an earlier release has kept under other names. */
    removeStrangers() {
      return removeWhere((name) => name !== `${prefix}static` && !kinds.some((kind) => name.startsWith(nameOf(kind, ""))));
    },
  };
}
