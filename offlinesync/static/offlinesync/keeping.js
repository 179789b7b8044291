/**
 * @typedef {object} KeepingConfig
 * @property {string[]} pages  paths of the pages that are kept before anybody has visited them
 * @property {string} offlinePage
 * @property {string} mount  where the client and its texts lie
 * @property {string} client  the client script; a page that names another belongs to another deploy
 * @property {string[]} modules
 * @property {string} staticUrl  absolute
 * @property {boolean} staticIsHashed  a name never changes its content
 * @property {number} refreshAfter  milliseconds
 */

const NEVER = "network-only";
const NOT_NOW = "no";
const GONE = [404, 410];

/**
 * Keeps pages with what they are drawn with, each under the owner that it was rendered for (P8), and has a look whether
 * they have changed.
 *
 * @param {object} collaborators
 * @param {ReturnType<typeof import("./shelf.js").createShelves>} collaborators.shelves
 * @param {ReturnType<typeof import("./ownership.js").createOwnership>} collaborators.ownership
 * @param {typeof import("./reading.js")} collaborators.reading
 * @param {ReturnType<typeof import("./sessions.js").createSessions>} collaborators.fetchSession
 * @param {typeof fetch} collaborators.fetch
 * @param {{wall: () => number}} collaborators.clock
 * @param {(text: string) => Promise<string>} collaborators.digest
 * @param {(update: {path: string, version: string, at: number}) => Promise<void>} collaborators.announce  to open pages
 * @param {string} collaborators.origin
 * @param {KeepingConfig} collaborators.config
 */
export function createKeeping({ shelves, ownership, fetchSession, reading, fetch, clock, digest, announce, origin, config }) {
  const absolute = (reference) => new URL(reference, origin).href;
  const client = absolute(config.client);
  // Those of other deploys as well, which the pages that were kept before name.
  const namedByDigest = ["client.", "texts."].map((name) => absolute(config.mount + name));
  const pinned = new Set([client, ...config.modules.map(absolute)]);
  const isNamedByDigest = (url) => namedByDigest.some((start) => url.startsWith(start));
  const isStatic = (url) => isNamedByDigest(url) || url.startsWith(config.staticUrl);
  const isImmutable = (url) => config.staticIsHashed || isNamedByDigest(url);
  const isNamed = (path) => config.pages.includes(path) || path === config.offlinePage;
  /** @type {Map<string, Promise<unknown>>} */
  const underWay = new Map();
  /** @type {Map<string, Promise<unknown>>} */
  const onTheirWay = new Map();

  const shelfOf = (path, owner) => (isNamed(path) ? shelves.named(owner) : shelves.visited(owner));

  /**
   * Keeps the files, and those that their style sheets name.
   *
   * @returns {Promise<string[]>} those that the server does not have
   */
  async function keepStatic(urls, seen = new Set()) {
    const fresh = urls.filter((url) => !seen.has(url) && seen.add(url));
    if (!fresh.length) return [];
    const missing = await Promise.all(fresh.map((url) => keepFile(url, seen)));
    await shelves.static().use(fresh);
    return missing.flat();
  }

  /**
   * Fetches a file, but not beside the same one: page and worker want it at the same time, and WebKit would fetch it twice.
   * Whoever comes second has it from the browser's cache.
   *
   * @param {Request | string} request
   * @param {RequestInit} [options]
   */
  async function fetchFile(request, options) {
    const url = request.url ?? request;
    if (!isImmutable(url) || underWay.size === 0) return fetch(request, options);
    await onTheirWay.get(url);
    const arriving = fetch(request, options);
    const forget = () => onTheirWay.delete(url);
    onTheirWay.set(url, arriving.then((response) => response.clone().blob()).then(forget, forget));
    return arriving;
  }

  /** In a rolling deploy, or from somebody on the way, comes what has another name, and would stay under this one for good. */
  function mayBeUnder(url, { redirected, headers }) {
    return !isNamedByDigest(url) || (!redirected && !isNotToBeStored(headers));
  }

  async function keepFile(url, seen) {
    const copy = isImmutable(url) ? await shelves.static().get(url) : undefined;
    const response = copy?.response ?? (await fetchFile(url, { cache: isImmutable(url) ? "default" : "no-cache" }));
    if (!response.ok || !mayBeUnder(url, response)) return [url];
    let missing = [];
    if (/^text\/css\b/.test(response.headers.get("content-type") ?? "")) {
      const named = reading.readStyles(await response.clone().text());
      missing = await keepStatic(named.map((reference) => new URL(reference, url).href).filter(isStatic), seen);
    }
    if (!copy) await shelves.static().put(url, response, { kept: clock.wall() });
    return missing;
  }

  /** @param {Headers} headers */
  const isNotToBeStored = (headers) => /\bno-store\b/.test(headers.get("cache-control") ?? "");

  /** @param {Response} response */
  function mayBeKept({ type, status, redirected, headers }) {
    const isStream = !headers.has("content-length") && !headers.has("content-encoding");
    return type === "basic"
      && status === 200
      && !redirected
      && !isStream
      && /^text\/html\b/.test(headers.get("content-type") ?? "")
      && !isNotToBeStored(headers);
  }

  /** Nobody's pages may always be kept, those of others while they are signed in. @param {string} owner */
  async function isWelcome(owner) {
    return owner === "" || (await ownership.read()).owner === owner;
  }

  /**
   * A page for another than was known: the site is asked who is signed in, since any page may come from some cache.
   *
   * @returns {Promise<boolean>} whether it was for another
   */
  async function meet(owner) {
    const { owner: known } = await ownership.read();
    if (owner === (known ?? "")) return false;
    await fetchSession();
    return true;
  }

  /**
   * The files come first: a page is never kept without what it is drawn with, but for what it lacks online as well.
   *
   * @param {string} path
   * @param {Response} response
   * @param {number} at  when it was asked for
   * @param {{isOther?: (owner: string) => Promise<boolean>, asked?: string}} [how]  asked: in which language
   * @returns {Promise<boolean>} whether it is kept
   */
  async function keep(path, response, at, { isOther = meet, asked = "" } = {}) {
    if (!mayBeKept(response)) return false;
    const html = await response.text();
    const page = reading.readPage(html);
    const urls = page.references.map(absolute);
    if (page.owner === null) return false;
    const wasOther = await isOther(page.owner);
    const isWanted = isNamed(path) || page.strategy !== null;
    if (page.strategy === NOT_NOW || !isWanted || !urls.includes(client)) return false;
    const shelf = shelfOf(path, page.owner);
    if (page.strategy === NEVER) {
      await shelf.remove(path);
      return false;
    }
    if (!(await isWelcome(page.owner))) return false;
    const missing = await keepStatic(urls.filter(isStatic));
    // Without its client or its texts nothing can be saved on it.
    if (missing.some(isNamedByDigest)) return false;
    const version = await digest(reading.contentOf(html));
    const facts = { kept: at, version, strategy: page.strategy ?? "", language: asked || page.language };
    const { status, statusText, headers } = response;
    const before = await shelf.get(path);
    await shelf.put(path, new Response(reading.markKept(html, facts), { status, statusText, headers }), facts);
    // They may have signed out in the meantime, and what was removed then must not be there again.
    if (!(await isWelcome(page.owner))) await shelf.remove(path);
    if (!isNamed(path)) await shelf.trim();
    if (wasOther || (before && before.facts.version !== version)) await announce({ path, version, at });
    return true;
  }

  /** Credentials are left out where nobody may be meant by them. */
  function ask(path, { credentials, copy, language }) {
    // Without credentials the site does not have the cookie either that says it.
    const headers = language ? { "Accept-Language": language } : {};
    const [etag, modified] = ["etag", "last-modified"].map((name) => copy?.response.headers.get(name));
    if (etag) headers["If-None-Match"] = etag;
    if (modified) headers["If-Modified-Since"] = modified;
    return fetch(path, { cache: copy ? "no-store" : "no-cache", credentials, headers, redirect: "manual" });
  }

  /** A page for nobody says nothing of who is signed in. */
  const asItIs = async () => false;

  /** Asks the server for a page anew, in the language that it had if in no other; what has not changed is not sent again. */
  async function refresh(path, wanted = "") {
    const { owner, leaving } = await ownership.read();
    const isForNobody = path === config.offlinePage;
    // Whoever has left is signed in still, as far as the site knows.
    const credentials = isForNobody || owner === null || leaving ? "omit" : "same-origin";
    const shelf = shelfOf(path, (isForNobody ? null : owner) ?? "");
    const copy = await shelf.get(path);
    const language = wanted || copy?.facts.language;
    const at = clock.wall();
    const response = await ask(path, { credentials, copy: isIn(language, copy) ? copy : undefined, language });
    if (response.status === 304) await confirm(shelf, path, at);
    else if (GONE.includes(response.status)) await shelf.remove(path);
    // Anything else may be somebody's on the way, and is no reason to be without the page.
    else await keep(path, response, at, { isOther: isForNobody ? asItIs : meet, asked: language });
  }

  function confirm(shelf, path, kept) {
    return shelf.change(path, { kept }, async (response) => {
      const { status, statusText, headers } = response;
      return new Response(reading.markAnew(await response.text(), kept), { status, statusText, headers });
    });
  }

  /** One at a time for each page. @param {string} path @param {() => Promise<unknown>} work */
  function once(path, work) {
    if (!underWay.has(path)) underWay.set(path, work().finally(() => underWay.delete(path)));
    return underWay.get(path);
  }

  /**
   * @param {string} path
   * @param {string | null} owner  null: unknown, so that only nobody's pages are shown
   * @returns {Promise<(import("./shelf.js").Copy & {age: number}) | undefined>}  age in milliseconds
   */
  async function find(path, owner) {
    const shelf = shelfOf(path, owner ?? "");
    const copy = await shelf.get(path);
    return copy && { ...copy, age: shelf.ageOf(copy.facts) };
  }

  /**
   * Tells those that show a page if by now another version is kept.
   *
   * @param {{path: string, version?: string}} open  without a version: it came from the network
   */
  async function compare({ path, version }) {
    await underWay.get(path);
    const { owner } = await ownership.read();
    const copy = await find(path, owner);
    const isOther = version !== undefined && copy && copy.facts.version !== version;
    if (isOther) await announce({ path, version: copy.facts.version, at: copy.facts.kept });
  }

  /** @param {string} language @param {import("./shelf.js").Copy | undefined} copy */
  const isIn = (language, copy) => copy?.facts.language === language;

  /** @param {{age: number} | undefined} copy */
  const isOld = (copy) => !copy || copy.age > config.refreshAfter;

  return {
    find,
    isOld,
    isStatic,
    isImmutable,
    fetchFile,

    /** Fails where a file is missing, and the worker that is in place stays. */
    async install() {
      const missing = await keepStatic([...pinned]);
      if (missing.length) throw new Error(`The site does not have ${missing.join(", ")}, or has another deploy of it`);
      const fetched = async (path) => keep(path, await ask(path, { credentials: "omit" }), clock.wall(), { isOther: asItIs });
      if (!(await fetched(config.offlinePage))) throw new Error(`${config.offlinePage} cannot be kept`);
      // A page that is not for everybody is left out. One that did not come for want of a network is tried again with
      // the whole install: the copy that is there is better than none.
      await Promise.all(config.pages.map(fetched));
    },

    async activate() {
      await shelves.removeStrangers();
      await shelves.static().trim(pinned);
    },

    /** It was shown; what the site names stays, used or not. */
    async use(path, owner) {
      if (!isNamed(path)) await shelves.visited(owner ?? "").use([absolute(path)]);
    },

    findOffline: () => shelves.named("").get(config.offlinePage),
    findFile: (url) => shelves.static().get(url),

    /** @param {string} path @param {() => Promise<Response>} arriving @param {number} at */
    keepFrom(path, arriving, at) {
      return once(path, async () => keep(path, await arriving(), at));
    },

    compare,

    /** Asks the server for an open page anew. @param {{path: string, version?: string}} open */
    async look({ path, version }) {
      await once(path, () => refresh(path));
      await compare({ path, version });
    },

    /**
     * The pages that the site names, for whoever is signed in now: those that are missing, those that are old, and those in
     * another language than somebody reads the site in.
     *
     * @param {{language?: string}} [reader]  "" or nothing: in any language
     */
    async refreshNamed({ language = "" } = {}) {
      const { owner } = await ownership.read();
      await shelves.removeOthers(owner);
      for (const path of [...config.pages, config.offlinePage]) {
        const copy = await find(path, path === config.offlinePage ? "" : owner);
        if (isOld(copy) || (language && !isIn(language, copy))) await once(path, () => refresh(path, language));
      }
    },

    /**
     * What has just been sent is looked for in the network the next time, and not in what was kept before.
     *
     * @param {string} path
     */
    async outdate(path) {
      const { owner } = await ownership.read();
      await shelfOf(path, owner ?? "").change(path, { strategy: "" });
    },
  };
}
