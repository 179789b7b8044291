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
 * @param {(error: unknown) => void} collaborators.reportError
 */
export function createListing({ document, elements, reportError }) {
  /** What is shown keeps its element while it stays the same: whoever reads or presses there is not disturbed. */
  /** @type {Map<string, {seen: string, element: HTMLElement, entry: Entry}>} */
  let items = new Map();
  /** @type {HTMLDetailsElement | null} */
  let list = null;
  let hasOpened = false;

  function place() {
    list ??= elements.clone("entries");
    if (!list.isConnected) elements.statusRegion().after(list);
    return list;
  }

  function itemOf(entry) {
    const { revision, state, trouble, receipt } = entry;
    const seen = JSON.stringify({ revision, state, trouble, receipt });
    const shown = items.get(entry.id);
    if (shown?.seen === seen) return { ...shown, entry };
    const element = buildAnyhow(entry);
    if (shown) keepOpen(shown.element, element);
    return { seen, element, entry };
  }

  /** What is damaged, or of a release to come, is there all the same, and its neighbours are shown (row B9). */
  function buildAnyhow(entry) {
    try {
      return build(entry);
    } catch (error) {
      reportError(error);
      return build({ ...entry, fields: [], files: [], labels: {}, receipt: null });
    }
  }

  function build(entry) {
    const element = elements.clone("entry");
    const part = (name) => element.querySelector(`[data-offlinesync-${name}]`);
    element.id = `offlinesync-kept-${entry.id}`;
    part("title").textContent = titleOf(entry);
    elements.tellTime(element.querySelector("time"), entry.captured_at);
    part("why").append(elements.clone(reasonOf(entry, elements.has)), ...errorsOf(entry));
    part("words").append(...entry.fields.flatMap(([name, value]) => wordsOf(nameOf(entry, name), value)));
    part("words").append(...(entry.files ?? []).flatMap((file) => wordsOf(nameOf(entry, file.field), file.name)));
    if (isOpenable(entry)) part("open").href = linkTo(entry);
    else part("open").remove();
    part("action").dataset.offlinesyncEntry = entry.id;
    return element;
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
      const same = wanted.length === inside.children.length && wanted.every((item, index) => item === inside.children[index]);
      if (!same) inside.replaceChildren(...wanted);
      const oldest = entries.reduce((first, entry) => (entry.seq < first.seq ? entry : first));
      elements.tellTime(details.querySelector("summary time"), oldest.captured_at);
      const others = details.querySelector("[data-offlinesync-more]");
      others.hidden = more === 0;
      others.querySelector("[data-offlinesync-count]").textContent = String(more);
      // Once: whoever closes it has seen it.
      if (!hasOpened && entries.some(needsAttention)) hasOpened = details.open = true;
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
      shown.element.querySelector("details").open = true;
      shown.element.scrollIntoView({ block: "nearest" });
    },

    /** @param {string | undefined} id @returns {Entry | undefined} an entry as the person sees it */
    shown: (id) => items.get(id)?.entry,

    /** After what had the focus is gone. */
    focus: () => list?.isConnected && list.querySelector("summary").focus(),
  };
}

/** @param {Entry} entry */
export function linkTo(entry) {
  return isOpenable(entry) ? `${entry.page}#offlinesync-${entry.id}` : `#offlinesync-kept-${entry.id}`;
}

/** Where the site knows no such form any more, there is no page to go back to (row C10). @param {Entry} entry */
const isOpenable = ({ state, receipt }) => state !== "waiting" && receipt?.code !== "unknown_form";

/** @param {Entry} entry */
const needsAttention = ({ state, trouble }) => state !== "waiting" || !PASSING.includes(trouble);

/** The name of the template with the sentence that says why it is still here. */
function reasonOf({ state, receipt, trouble }, has) {
  const kind = state === "refused" ? "refused" : "waiting";
  const code = kind === "waiting" ? (trouble ?? "untried") : receipt?.status === "conflict" ? "conflict" : receipt?.code;
  return has(`${kind}-${code}`) ? `${kind}-${code}` : `${kind}-other`;
}

function titleOf({ fields, files, form }) {
  const text = String(fields.find(([, value]) => value.trim())?.[1] ?? files?.[0]?.name ?? form ?? "");
  const line = text.trim().split("\r\n")[0];
  return line.length > LONGEST_TITLE ? `${line.slice(0, LONGEST_TITLE)}…` : line;
}

/** An entry of an earlier release has no labels. */
const nameOf = ({ labels = {} }, name) => labels[name] ?? name;

/** What a person has opened in an element stays open in the one that takes its place. */
function keepOpen(old, next) {
  const opened = next.querySelectorAll("details");
  old.querySelectorAll("details").forEach(({ open }, index) => {
    opened[index].open = open;
  });
}
