/** @import { Entry } from "./entries.js" */

const LONGEST_TITLE = 80;
const NON_FIELD = "__all__";
// What passes by itself is no reason to open the list.
const PASSING = [null, "failed", "busy", "group"];

/**
 * The list of what one person has on this device: what they wrote, why it is still there, and what they can do
 * (rows C7 and C10). It stands beside the live region, which would read all of it aloud at each change.
 *
 * @param {object} collaborators
 * @param {Document} collaborators.document
 * @param {ReturnType<import("./elements.js").createElements>} collaborators.elements
 * @param {ReturnType<import("./reasons.js").createReasons>} collaborators.reasons
 * @param {typeof import("./entries.js").wordsIn} collaborators.wordsIn
 * @param {(error: unknown) => void} collaborators.reportError
 */
export function createListing({ document, elements, reasons, wordsIn, reportError }) {
  /** What is shown keeps its element while it stays the same: whoever reads or presses there is not disturbed. */
  /** @type {Map<string, {seen: string, element: HTMLElement, entry: Entry}>} */
  let items = new Map();
  /** @type {HTMLDetailsElement | null} */
  let list = null;
  let hasOpened = false;

  function place() {
    list ??= elements.clone("entries");
    if (list.isConnected) return list;
    const wanted = document.querySelector("[data-offlinesync-outbox]");
    if (wanted) wanted.append(list);
    else elements.statusRegion().after(list);
    return list;
  }

  function itemOf(entry) {
    const { revision, state, receipt } = entry;
    const seen = JSON.stringify({ revision, state, receipt });
    const shown = items.get(entry.id);
    const element = shown?.seen === seen ? shown.element : buildAnyhow(entry);
    if (shown && shown.element !== element) keepOpen(shown.element, element);
    put(element, "why", (place) => reasons.say(place, reasons.of(entry)));
    put(element, "long", (place) => void (place.hidden = !reasons.isLong(entry)));
    return { seen, element, entry };
  }

  /** What is damaged, or of a release to come, is there all the same, and its neighbours are shown (row B9). */
  function buildAnyhow(entry) {
    try {
      return build(entry);
    } catch (error) {
      reportError(error);
      return build({ ...entry, fields: [], data: null, files: [], labels: {}, receipt: null });
    }
  }

  function build(entry) {
    const element = elements.clone("entry");
    element.id = `offlinesync-kept-${entry.id}`;
    // For the site's own styles.
    element.dataset.offlinesyncState = entry.state;
    const title = `${element.id}-title`;
    put(element, "title", (place) => Object.assign(place, { id: title, textContent: titleOf(entry, wordsIn(entry)) }));
    put(element, "form", (place) => void (place.textContent = String(entry.label ?? "")));
    for (const place of element.querySelectorAll("time")) elements.tellTime(place, entry.captured_at);
    put(element, "why", (place) => place.append(...errorsOf(entry)));
    put(element, "current", (place) => showCurrent(entry, place));
    put(element, "words", (place) => place.append(...wordsIn(entry).flatMap(([name, value]) => wordsOf(nameOf(entry, name), value))));
    put(element, "words", (place) => place.append(...(entry.files ?? []).flatMap((file) => wordsOf(nameOf(entry, file.field), file.name))));
    put(element, "open", (place) => (isOpenable(entry) ? void (place.href = linkTo(entry)) : place.remove()));
    for (const button of element.querySelectorAll("[data-offlinesync-action]")) {
      button.dataset.offlinesyncEntry = entry.id;
      if (button.dataset.offlinesyncAction === "send" && entry.state === "refused") button.remove();
    }
    // Many buttons are called alike: what each is about is read with it.
    element.querySelectorAll("button, a, summary").forEach((control, index) => {
      control.id = `${element.id}-${index}`;
      control.setAttribute("aria-labelledby", `${control.id} ${title}`);
    });
    return element;
  }

  /** What somebody else has put in the place of what the form had shown. */
  function showCurrent(entry, place) {
    const words = Object.entries(entry.receipt?.current ?? {}).flatMap(([name, value]) => wordsOf(nameOf(entry, name), String(value ?? "")));
    if (words.length) place.querySelector("dl").append(...words);
    else place.remove();
  }

  function errorsOf({ receipt, labels = {} }) {
    const errors = Object.entries(receipt?.errors ?? {});
    if (!errors.length) return [];
    const lines = elements.clone("entry-errors");
    for (const [name, found] of errors) {
      for (const { message } of found) {
        const item = elements.clone("entry-error");
        const place = item.querySelector("[data-offlinesync-name]");
        if (name === NON_FIELD) place.remove();
        else place.textContent = labels[name] ?? name;
        item.querySelector("[data-offlinesync-message]").textContent = message;
        lines.append(item);
      }
    }
    return [lines];
  }

  function wordsOf(name, value) {
    if (!value) return [];
    const [term, description] = ["dt", "dd"].map((tag) => document.createElement(tag));
    term.textContent = name;
    description.textContent = value;
    description.dir = "auto";
    return [term, description];
  }

  return {
    /**
     * @param {{entries: Entry[], more: number}} kept  `more`: how many there are besides
     */
    show({ entries, more }) {
      if (!entries.length) return this.hide();
      const details = place();
      items = new Map(entries.map((entry) => [entry.id, itemOf(entry)]));
      const wanted = [...items.values()].map(({ element }) => element);
      const inside = details.querySelector("[data-offlinesync-list]");
      keepFocus(inside, () => elements.arrange(inside, wanted));
      const oldest = entries.reduce((first, entry) => (entry.seq < first.seq ? entry : first));
      for (const place of details.querySelectorAll("summary time")) elements.tellTime(place, oldest.captured_at);
      put(details, "more", (place) => void (place.hidden = more === 0));
      put(details, "count", (place) => void (place.textContent = String(more)));
      // Once: whoever closes it has seen it.
      const isWanted = entries.some((entry) => needsAttention(entry) || reasons.isLong(entry));
      if (!hasOpened && isWanted) hasOpened = details.open = true;
    },

    hide() {
      list?.remove();
      items = new Map();
    },

    /** @param {string} id  shows one entry with its words, if it is there */
    open(id) {
      const shown = items.get(id);
      if (!shown) return;
      list.open = true;
      const [words] = shown.element.querySelectorAll("details");
      if (words) words.open = true;
      shown.element.scrollIntoView({ block: "nearest" });
    },

    /** @param {string | undefined} id @returns {Entry | undefined} an entry as the person sees it */
    shown: (id) => items.get(id)?.entry,

    /** After what had the focus is gone. @returns {boolean} whether there is something left to go to */
    focus() {
      if (!list?.isConnected) return false;
      list.querySelector("summary")?.focus();
      return true;
    },
  };
}

/** @param {Entry} entry @returns {string} to its form, or to where it stands in the list */
export function linkTo(entry) {
  return isOpenable(entry) ? `${entry.page}#offlinesync-${entry.id}` : `#offlinesync-kept-${entry.id}`;
}

/**
 * Where the site knows no such form any more, there is no page to go back to (row C10), and what a script has handed over
 * has stood in no form at all.
 *
 * @param {Entry} entry
 */
export const isOpenable = ({ state, receipt, data }) => state !== "waiting" && receipt?.code !== "unknown_form" && !data;

/** @param {Entry} entry */
const needsAttention = ({ state, trouble }) => state !== "waiting" || !PASSING.includes(trouble);

/** @param {Entry} entry @param {[string, string][]} words  that are in it @returns {string} the first of them, in one line */
export function titleOf({ files, form }, words) {
  const text = String(words.find(([, value]) => value.trim())?.[1] ?? files?.[0]?.name ?? form ?? "");
  const line = text.trim().split("\r\n")[0];
  return line.length > LONGEST_TITLE ? `${line.slice(0, LONGEST_TITLE)}…` : line;
}

/** An entry of an earlier release has no labels. */
const nameOf = ({ labels = {} }, name) => labels[name] ?? name;

/** Whoever has come to a control with the keyboard is still there when its entry is told anew, or another one has gone. */
function keepFocus(inside, change) {
  const { activeElement: focused } = inside.ownerDocument;
  const had = inside.contains(focused);
  change();
  if (had && inside.ownerDocument.activeElement !== focused) inside.ownerDocument.getElementById(focused.id)?.focus();
}

/**
 * What a site's own template lacks is not said, and everything else is.
 *
 * @param {HTMLElement} element
 * @param {string} name
 * @param {(place: HTMLElement) => void} work
 */
function put(element, name, work) {
  element.querySelectorAll(`[data-offlinesync-${name}]`).forEach(work);
}

/** What a person has opened in an element stays open in the one that takes its place. */
function keepOpen(old, next) {
  const opened = next.querySelectorAll("details");
  old.querySelectorAll("details").forEach(({ open }, index) => {
    opened[index].open = open;
  });
}
