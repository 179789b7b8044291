/**
 * @typedef {object} CachingConfig
 * @property {string} prefix  of the cache names: it carries the path of the site (row D10)
 * @property {string} version  changes with the app and its settings
 * @property {string[]} pages  paths of the pages that are kept
 * @property {string} offlinePage
 * @property {string} client  the client script; a page that names another belongs to another deploy
 * @property {string[]} modules
 * @property {string} staticUrl  absolute
 * @property {boolean} staticIsHashed  a name never changes its content
 * @property {number} networkTimeout  milliseconds
 */

const OWNER = /<meta\s+name="offlinesync-owner"\s+content="([^"]*)"/;
const STYLE_REFERENCE = /url\(\s*["']?([^"')\s]+)|@import\s+["']([^"']+)/g;
const NOT_KEPT = /<meta\s+name="offlinesync-keep"\s+content="no"/;
// Not what a link leads to, which the page is drawn without.
const REFERENCE = /<(?!a\s)[a-z][^>]*?\s(?:src|href)="([^"]+)"/gi;

/**
 * Keeps the pages that a site names, so that they open without a network: network first, then the kept copy, then
 * the offline page. Only pages that were rendered for nobody are kept (P8).
 *
 * @param {object} collaborators
 * @param {CacheStorage} collaborators.caches
 * @param {typeof fetch} collaborators.fetch
 * @param {{setTimeout: Function, clearTimeout: Function}} collaborators.clock
 * @param {string} collaborators.origin
 * @param {CachingConfig} collaborators.config
 */
export function createCaching({ caches, fetch, clock, origin, config }) {
  const cacheName = `${config.prefix}${config.version}`;
  const absolute = (reference) => new URL(reference, origin).href;
  const client = absolute(config.client);
  const isStatic = (url) => url === client || url.startsWith(config.staticUrl);
  const isKept = (url) => url.origin === origin && !url.search && config.pages.includes(url.pathname);

  /** Credentials are left out, so that the page comes as it is rendered for nobody. */
  function fetchForNobody(url) {
    return fetch(url, { cache: "no-cache", credentials: "omit", redirect: "manual" });
  }

  /**
   * Keeps the files, and those that their style sheets name.
   *
   * @returns {Promise<string[]>} those that the server does not have
   */
  async function keepStatic(cache, urls, seen = new Set()) {
    const fresh = urls.filter((url) => !seen.has(url) && seen.add(url));
    const missing = await Promise.all(fresh.map((url) => keepFile(cache, url, seen)));
    return missing.flat();
  }

  async function keepFile(cache, url, seen) {
    if (config.staticIsHashed && (await cache.match(url))) return [];
    const response = await fetch(url, { cache: config.staticIsHashed ? "default" : "no-cache", credentials: "omit" });
    if (!response.ok) return [url];
    let missing = [];
    if (/^text\/css\b/.test(response.headers.get("content-type") ?? "")) {
      const css = await response.clone().text();
      const named = Array.from(css.matchAll(STYLE_REFERENCE), ([, plain, imported]) => plain ?? imported);
      missing = await keepStatic(cache, named.map((reference) => new URL(reference, url).href).filter(isStatic), seen);
    }
    await cache.put(url, response);
    return missing;
  }

  /** @returns {Promise<string[] | null>} the static files of a page that may be kept; null for one that may not */
  async function staticFilesOf(response) {
    if (response.type !== "basic" || response.status !== 200 || response.redirected) return null;
    if (/\bno-store\b/.test(response.headers.get("cache-control") ?? "")) return null;
    const html = await response.text();
    if (OWNER.exec(html)?.[1] !== "" || NOT_KEPT.test(html)) return null;
    const urls = Array.from(html.matchAll(REFERENCE), ([, reference]) => absolute(reference.replaceAll("&amp;", "&")));
    return urls.includes(client) ? urls.filter(isStatic) : null;
  }

  /** The files come first: a page is never kept without what it is drawn with, but for what it lacks online as well. */
  async function keepPage(url, response) {
    const files = await staticFilesOf(response.clone());
    if (!files) return false;
    const cache = await caches.open(cacheName);
    await keepStatic(cache, files);
    await cache.put(url, response);
    return true;
  }

  async function keepFrom(network, path) {
    try {
      const response = await network;
      await keepPage(path, response.clone());
    } catch (error) {
      // No network, or no room: the copy that is kept stays, and the page itself is not held up (P9).
      console.info(`offlinesync: ${path} was not kept anew.`, error);
    }
  }

  /** @returns {Promise<Response | undefined>} */
  async function kept(url) {
    try {
      const cache = await caches.open(cacheName);
      return await cache.match(url, { ignoreVary: true });
    } catch (error) {
      // With a broken cache the site is what it is without us (P9).
      console.info(`offlinesync: no kept copy of ${url} could be read.`, error);
      return undefined;
    }
  }

  function timeLimit() {
    return new Promise((resolve) => {
      clock.setTimeout(() => resolve(undefined), config.networkTimeout);
    });
  }

  return {
    /** Fails where a file is missing, and the worker that is in place stays. */
    async install() {
      const cache = await caches.open(cacheName);
      const missing = await keepStatic(cache, [client, ...config.modules.map(absolute)]);
      if (missing.length) throw new Error(`The site does not have ${missing.join(", ")}`);
      const offline = await fetchForNobody(config.offlinePage);
      if (!(await keepPage(config.offlinePage, offline))) throw new Error(`${config.offlinePage} cannot be kept`);
      // A page that is not for everybody is left out. One that did not come for want of a network is tried again with
      // the whole install: the copy in the old worker's cache is better than none.
      await Promise.all(config.pages.map(async (path) => keepPage(path, await fetchForNobody(path))));
    },

    async activate() {
      const names = await caches.keys();
      const old = names.filter((name) => name.startsWith(config.prefix) && name !== cacheName);
      await Promise.all(old.map((name) => caches.delete(name)));
    },

    /**
     * @param {Request} request
     * @returns {"page" | "static" | null} null: none of the worker's business (P9)
     */
    concerns(request) {
      if (request.method !== "GET" || request.headers.has("range")) return null;
      if (request.mode === "navigate") return new URL(request.url).origin === origin ? "page" : null;
      return isStatic(request.url) ? "static" : null;
    },

    /**
     * @param {Request} request
     * @param {(work: Promise<unknown>) => void} waitUntil
     * @returns {Promise<Response>}
     */
    async page(request, waitUntil) {
      const url = new URL(request.url);
      const network = fetch(request);
      if (isKept(url)) waitUntil(keepFrom(network, url.pathname));
      const copy = isKept(url) ? await kept(url.pathname) : undefined;
      try {
        return (await (copy ? Promise.race([network, timeLimit()]) : network)) ?? copy;
      } catch (error) {
        const instead = copy ?? (await kept(config.offlinePage));
        if (!instead) throw error;
        return instead;
      }
    },

    /**
     * @param {Request} request
     * @returns {Promise<Response>}
     */
    async static(request) {
      const copy = await kept(request.url);
      if (copy && (config.staticIsHashed || request.url === client)) return copy;
      try {
        return await fetch(request);
      } catch (error) {
        if (!copy) throw error;
        return copy;
      }
    },
  };
}
