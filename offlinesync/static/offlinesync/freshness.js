// The next page may be an old one, but it is not to be waited for (P9).
const PATIENCE = 500;

/**
 * How old a page is that is shown from the device, and whether there is a newer one by now.
 *
 * @param {object} collaborators
 * @param {Window} collaborators.window
 * @param {ReturnType<import("./elements.js").createElements>} collaborators.elements
 * @param {(message: object, transfer?: Transferable[]) => Promise<void>} collaborators.tellWorker
 * @param {() => Promise<void>} collaborators.sayUpdated  to the visitor
 * @param {string} collaborators.language  of this page; "" where the site has but one
 * @param {(error: unknown) => void} collaborators.reportError
 */
export function createFreshness({ window, elements, tellWorker, sayUpdated, language, reportError }) {
  const { document, location, performance } = window;
  const mark = document.querySelector('meta[name="offlinesync-kept"]');
  const path = location.pathname + location.search;

  /** The version that has been told of last. */
  let told = "";

  /** When this page was asked for, if it came from the network; milliseconds since 1970. */
  function asked() {
    const [navigation] = performance.getEntriesByType("navigation");
    return performance.timeOrigin + (navigation?.responseEnd ?? 0);
  }

  /** @param {{version: string, at: number}} update */
  function isNewer({ version, at }) {
    return mark ? mark.dataset.version !== version : at > asked();
  }

  function showAge() {
    const since = new Date(Number(mark.content)).toISOString();
    // For the site's own styles, whatever it shows.
    document.documentElement.dataset.offlinesyncKept = since;
    for (const place of document.querySelectorAll("[data-offlinesync-age]")) {
      for (const time of place.querySelectorAll("time")) elements.tellTime(time, since);
      place.hidden = false;
    }
  }

  /** A site that does better than a link says so with `preventDefault()`. */
  function receive({ data }) {
    if (data?.type !== "updated" || data.path !== path || data.version === told || !isNewer(data)) return;
    told = data.version;
    const detail = { version: data.version };
    const event = new window.CustomEvent("offlinesync:updated", { detail, cancelable: true });
    if (document.dispatchEvent(event)) sayUpdated().catch(reportError);
  }

  /** This page first, if it is shown from the device, and then those that the site names. */
  async function lookAfter(type) {
    if (mark) await tellWorker({ type, path, version: mark.dataset.version });
    // A page from the device may be in the language of before.
    await tellWorker({ type: "refresh", language: mark ? "" : language });
  }

  /** @param {string} url @returns {Promise<void>} once the worker has done it */
  async function outdate(url) {
    const { origin, pathname, search } = new URL(url, location.href);
    // Without a worker nothing is kept.
    if (origin !== location.origin || !window.navigator.serviceWorker?.controller) return;
    const { port1, port2 } = new window.MessageChannel();
    await new Promise((resolve, reject) => {
      port1.onmessage = resolve;
      window.setTimeout(resolve, PATIENCE);
      tellWorker({ type: "outdate", path: pathname + search }, [port2]).catch(reject);
    });
    port1.close();
  }

  return {
    /** Whether this page is shown from the device. */
    isKept: mark !== null,

    start() {
      if (mark) showAge();
      window.navigator.serviceWorker?.addEventListener("message", receive);
      window.navigator.serviceWorker?.startMessages();
    },

    /** The worker has looked for this page anew while it was loading, and may have found another by now. */
    begin: () => lookAfter("compare"),

    /** The network is back, or may be. */
    look: () => lookAfter("look"),

    outdate,

    /** For somebody else than before: this page may be kept for them now, if it is one of those that are kept. */
    async keepForNewOwner() {
      if (!mark && document.querySelector('meta[name="offlinesync-keep"]')) await tellWorker({ type: "look", path });
    },
  };
}

/**
 * Lets the browser refresh the kept pages from time to time, with no page open: in Chromium, once the site is installed.
 *
 * @param {object} collaborators
 * @param {{ready: Promise<ServiceWorkerRegistration>} | undefined} collaborators.serviceWorker
 * @param {Permissions | undefined} collaborators.permissions
 * @param {string} collaborators.tag
 * @param {number} collaborators.interval  milliseconds
 */
export async function refreshPeriodically({ serviceWorker, permissions, tag, interval }) {
  const { periodicSync } = (await serviceWorker?.ready) ?? {};
  if (!periodicSync) return;
  const { state } = await permissions.query({ name: "periodic-background-sync" });
  if (state === "granted") await periodicSync.register(tag, { minInterval: interval });
}
