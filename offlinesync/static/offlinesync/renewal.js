// Receipts come in batches, and a page is fetched once for all of them.
const SETTLED_AFTER = 300;
const PLACE = "template[data-offlinesync-pending]";
// What lives in a page, and is in no fresh one: a list that holds it is left to its owner.
const ALIVE = [
  "[data-offlinesync-status]", "[data-offlinesync-entries]", "[data-offlinesync-outbox]", "[data-offlinesync-form]",
  "iframe", "audio", "video", "dialog[open]", "[contenteditable]",
].join();
// What is another one at each visit, and says nothing.
const PASSING = ["input[name=csrfmiddlewaretoken]", "[nonce]", "details[open]"].join();

/**
 * Takes over from a fresh copy of this page what is new in the lists of the site's own that show what is pending.
 *
 * @param {object} collaborators
 * @param {Window} collaborators.window
 * @param {ReturnType<import("./documents.js").createDocuments>} collaborators.fetchDocument
 * @param {typeof import("./fields.js").isFilled} collaborators.isFilled
 * @param {{setTimeout: Function, clearTimeout: Function}} collaborators.clock
 * @param {string} collaborators.owner
 * @param {() => Promise<unknown>} collaborators.sayUpdated  to the visitor, where a list was left as it is
 * @param {(error: unknown) => void} collaborators.reportError
 */
export function createRenewal({ window, fetchDocument, isFilled, clock, owner, sayUpdated, reportError }) {
  const { document, location } = window;
  let timer;
  let turn = 0;
  /** What was in the lists from the beginning, or has come from the site: the rest is somebody else's. @type {WeakSet<Element>} */
  const known = new WeakSet();
  for (const place of document.querySelectorAll(PLACE)) for (const element of place.parentNode.children) known.add(element);
  const isPending = (element) => element.dataset.offlinesyncPendingEntry !== undefined;

  /** The n-th of its kind: the site may have another number of others by now. */
  function keyed(page) {
    const counts = new Map();
    return new Map(
      [...page.querySelectorAll(PLACE)].map((place) => {
        const { offlinesyncPending: name, offlinesyncTarget: target = null, offlinesyncOrder: order } = place.dataset;
        const kind = JSON.stringify([name, target, order]);
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
        return [`${kind} ${counts.get(kind)}`, place];
      }),
    );
  }

  /** @param {Element} element @returns {Element} */
  function plain(element) {
    const copy = element.cloneNode(true);
    for (const each of [copy, ...copy.querySelectorAll(PASSING)]) {
      for (const name of ["nonce", "open"]) each.removeAttribute(name);
      if (each.name === "csrfmiddlewaretoken") each.removeAttribute("value");
    }
    return copy;
  }

  /** Whoever is doing something in a list, and what is not of the site, is left alone. @param {Element} list */
  function isUntouched(list) {
    const isInUse = list === document.body || list.contains(document.activeElement) || list.querySelector(ALIVE) !== null;
    return !isInUse && list.querySelectorAll(PLACE).length === 1 && ![...list.querySelectorAll("form")].some(isFilled);
  }

  /** @param {HTMLTemplateElement} place @param {HTMLTemplateElement | undefined} fresh @returns {boolean} whether it was renewed */
  function renewList(place, fresh) {
    const list = place.parentNode;
    if (!fresh || !known.has(place) || fresh.parentNode.nodeName !== list.nodeName || !isUntouched(list)) return false;
    const others = [...list.children].filter((element) => element !== place && !isPending(element));
    const old = others.map((element) => ({ element, plain: plain(element) }));
    let last = null;
    for (const element of fresh.parentNode.children) {
      if (element === fresh) {
        last = place;
        continue;
      }
      const wanted = plain(element);
      const index = old.findIndex((each) => each.plain.isEqualNode(wanted));
      if (index >= 0) last = old.splice(index, 1)[0].element;
      else last = insert(document.importNode(element, true), list, last);
    }
    // What a script of the site has put there stays.
    for (const { element } of old) if (known.has(element)) element.remove();
    return true;
  }

  function insert(element, list, last) {
    known.add(element);
    if (last) last.after(element);
    else list.prepend(element);
    return element;
  }

  async function renew(settle) {
    const mine = ++turn;
    // Left alone while nobody looks: whoever comes back sees the real ones come.
    if (document.visibilityState !== "visible") return void document.addEventListener("visibilitychange", () => plan(settle), { once: true });
    const page = await fetchDocument(location.pathname + location.search, PLACE, { isFresh: true }).catch(() => null);
    if (mine !== turn) return;
    const isOurs = page?.querySelector('meta[name="offlinesync-owner"]')?.content === owner;
    const fresh = isOurs ? keyed(page) : new Map();
    let isWhole = true;
    for (const [key, place] of keyed(document)) {
      const isRenewed = renewList(place, fresh.get(key));
      isWhole &&= isRenewed;
      settle({ place, isRenewed });
    }
    if (isOurs && !isWhole) await sayUpdated();
  }

  /** @param {(of: {place: HTMLTemplateElement, isRenewed: boolean}) => void} settle */
  function plan(settle) {
    clock.clearTimeout(timer);
    timer = clock.setTimeout(() => renew(settle).catch(reportError), SETTLED_AFTER);
  }

  return {
    start: plan,

    stop() {
      turn += 1;
      clock.clearTimeout(timer);
    },
  };
}
