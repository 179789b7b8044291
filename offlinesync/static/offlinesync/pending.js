/** @import { Entry, Receipt } from "./entries.js" */

/**
 * Inside a list of the site's own: what its owner has saved for it and the site does not have yet. Once the site has it,
 * the list is renewed (`renewal.js`), and the real one stands there.
 *
 * @typedef {object} Item
 * @property {string} seen
 * @property {HTMLElement} element
 * @property {string[]} pictures  URLs of objects
 * @property {number} seq
 * @property {boolean} isGone  from the device
 *
 * @param {object} collaborators
 * @param {Window} collaborators.window
 * @param {ReturnType<import("./elements.js").createElements>} collaborators.elements
 * @param {ReturnType<import("./reasons.js").createReasons>} collaborators.reasons
 * @param {{linkTo: Function, isOpenable: Function, titleOf: Function}} collaborators.listing  of `listing.js`
 * @param {typeof import("./entries.js").wordsIn} collaborators.wordsIn
 * @param {ReturnType<import("./pictures.js").createPictures>} collaborators.showPictures
 * @param {ReturnType<import("./renewal.js").createRenewal>} collaborators.renewal
 * @param {(error: unknown) => void} collaborators.reportError
 */
export function createPending({ window, elements, reasons, listing, wordsIn, showPictures, renewal, reportError }) {
  const { document } = window;
  /** @type {Map<HTMLTemplateElement, Map<string, Item>>} */
  const shown = new Map();
  const places = () => [...document.querySelectorAll("template[data-offlinesync-pending]")];

  /** @param {HTMLTemplateElement} place @param {Entry} entry */
  const belongs = ({ dataset }, { form, target }) =>
    dataset.offlinesyncPending === form && (dataset.offlinesyncTarget === undefined || dataset.offlinesyncTarget === target);

  /** @param {HTMLTemplateElement} place @param {Entry} entry @param {Item | undefined} before @returns {Item} */
  function itemOf(place, entry, before) {
    const seen = JSON.stringify([entry.revision, entry.state, entry.receipt]);
    const item = before?.seen === seen && !before.isGone ? before : newItem(place, entry, seen);
    if (before !== item) release(before);
    for (const why of item.element.querySelectorAll("[data-offlinesync-why]")) reasons.say(why, reasons.of(entry));
    return item;
  }

  /** @param {HTMLTemplateElement} place @param {Entry} entry @param {string} seen @returns {Item} */
  function newItem(place, entry, seen) {
    const element = document.importNode(place.content.firstElementChild, true);
    const item = { seen, element, pictures: [], seq: entry.seq, isGone: false };
    element.dataset.offlinesyncPendingEntry = entry.id;
    element.dataset.offlinesyncState = entry.state;
    fillAnyhow(element, entry);
    showPictures(item, entry).catch(reportError);
    return item;
  }

  /** What is damaged, or of a release to come, is there all the same (row B9). */
  function fillAnyhow(element, entry) {
    try {
      fill(element, entry);
    } catch (error) {
      reportError(error);
      fill(element, { ...entry, fields: [], data: null, files: [] });
    }
  }

  function fill(element, entry) {
    const each = (name, work) => [element, ...element.querySelectorAll("*")].filter((place) => place.matches(`[data-offlinesync-${name}]`)).forEach(work);
    const words = wordsIn(entry);
    each("title", (place) => void (place.textContent = listing.titleOf(entry, words)));
    each("captured", (place) => elements.tellTime(place, entry.captured_at));
    each("open", (place) => (listing.isOpenable(entry) ? void (place.href = listing.linkTo(entry)) : place.remove()));
    each("field", (place) => {
      const written = words.filter(([name, value]) => name === place.dataset.offlinesyncField && value !== "");
      place.textContent = written.map(([, value]) => value).join(", ");
      place.hidden = !written.length;
    });
  }

  /** @param {Item | undefined} item */
  function release(item) {
    if (!item) return;
    item.isGone = true;
    item.element.remove();
    for (const url of item.pictures) URL.revokeObjectURL(url);
  }

  /** @param {HTMLTemplateElement} place @param {Entry[]} entries  @returns {boolean} whether some have gone to the site */
  function showIn(place, entries) {
    const before = shown.get(place) ?? new Map();
    /** @type {Map<string, Item>} */
    const items = new Map();
    shown.set(place, items);
    const ofPlace = entries.filter((entry) => belongs(place, entry));
    for (const entry of ofPlace) items.set(entry.id, itemOf(place, entry, before.get(entry.id)));
    const gone = [...before].filter(([id]) => !items.has(id));
    for (const [id, item] of gone) items.set(id, item);
    const ordered = [...items.values()].sort((a, b) => a.seq - b.seq);
    if (place.dataset.offlinesyncOrder === "oldest-first") ordered.reverse();
    // From the last one, which stands right before the place.
    let next = place;
    for (const { element } of ordered) {
      if (next.previousElementSibling !== element) next.before(element);
      next = element;
    }
    const news = gone.filter(([, { isGone }]) => !isGone);
    for (const [, item] of news) item.isGone = true;
    return news.length > 0;
  }

  /** @param {(id: string, place: HTMLTemplateElement) => boolean} wanted */
  function drop(wanted) {
    for (const [place, items] of shown) {
      for (const [id, item] of items) {
        if (!wanted(id, place)) continue;
        release(item);
        items.delete(id);
      }
      if (!place.isConnected) shown.delete(place);
    }
  }

  /** What could not be renewed keeps its place, and says that it was sent, until the page is visited anew. */
  function settle({ place, isRenewed }) {
    const gone = [...(shown.get(place) ?? [])].filter(([, { isGone }]) => isGone);
    if (isRenewed) return drop((id, each) => each === place && gone.some(([other]) => other === id));
    for (const [, { element }] of gone) {
      element.dataset.offlinesyncState = "sent";
      for (const why of element.querySelectorAll("[data-offlinesync-why]")) reasons.say(why, { name: "gone", at: null });
    }
  }

  return {
    hasPlaces: () => places().length > 0,

    /** @param {Entry[]} entries  the owner's */
    show(entries) {
      let hasNews = false;
      for (const place of places()) {
        try {
          hasNews = showIn(place, entries) || hasNews;
        } catch (error) {
          // A template of the site's own that holds no element, say: the other places and the status are there.
          reportError(error);
        }
      }
      if (hasNews) renewal.start(settle);
    },

    /** Nobody may see them now (P4). */
    hide() {
      renewal.stop();
      drop(() => true);
    },

    /** @param {string} id  of an entry that was discarded: no real one will come */
    forget: (id) => drop((other) => other === id),
  };
}
