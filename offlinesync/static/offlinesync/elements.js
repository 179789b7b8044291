/**
 * The visitor's status line, and the parts of what is shown below it. Every text stands in a `<template>` that Django
 * rendered, so that it is translated and a site can override it.
 *
 * @typedef {object} Line
 * @property {string} name  of the template with the sentence
 * @property {number} [count]
 * @property {number} [total]  that the count is one of
 * @property {number | null} [arrived]  how much of that one has arrived, from 0 to 1; null: nobody knows
 * @property {string} [since]  ISO 8601
 * @property {string | null} [at]  likewise: when it is tried again; null: soon
 * @property {string} [href]
 * @property {string} [text]
 * @property {string} [level]
 *
 * @param {object} collaborators
 * @param {Document} collaborators.document
 * @param {() => Document} collaborators.texts  where the templates stand
 * @param {(error: unknown) => void} collaborators.reportError
 */
export function createElements({ document, texts, reportError }) {
  const template = (name) => texts().querySelector(`template[data-offlinesync-template="${CSS.escape(name)}"]`);
  const languages = spoken(document.documentElement.lang);
  /** The lines of the status as they stand there. @type {{key: string, element: HTMLElement}[]} */
  let said = [];
  /** Where the site wants the status, if it says so. */
  const isStatusPlaced = document.querySelector("[data-offlinesync-status]") !== null;
  /** @type {Set<string>} */
  const missed = new Set();

  const has = (name) => template(name) !== null;

  /** A site's own texts may be those of an earlier release: what they lack is not said, and everything else is. */
  function isThere({ name }) {
    if (has(name)) return true;
    if (!missed.has(name)) reportError(new Error(`offlinesync: this site's texts lack the template "${name}": add it to texts.html.`));
    missed.add(name);
    return false;
  }

  /** Only what is in another place is moved, since moving takes the focus. @param {Element} parent @param {Element[]} wanted */
  function arrange(parent, wanted) {
    for (const element of [...parent.children]) if (!wanted.includes(element)) element.remove();
    wanted.forEach((element, index) => {
      if (parent.children[index] !== element) parent.insertBefore(element, parent.children[index] ?? null);
    });
  }

  /** @param {string} name @returns {HTMLElement} */
  const clone = (name) => document.importNode(template(name).content.firstElementChild, true);

  /**
   * A live region speaks only of what changes while it is in the page: it is placed before it is needed.
   *
   * @returns {HTMLElement}
   */
  function statusRegion() {
    const placed = document.querySelector("[data-offlinesync-status]");
    if (placed) return placed;
    const region = clone("status");
    // What stands in a dialog is not seen before it is opened.
    const form = [...document.querySelectorAll("form[data-offlinesync-form]")].find((each) => !each.closest("dialog"));
    if (form) form.before(region);
    else document.body.prepend(region);
    return region;
  }

  function line(name, { href, level, at, ...values }) {
    const element = clone(name);
    if (level) element.dataset.offlinesyncLevel = level;
    tellNext(element, at ?? null);
    for (const link of element.querySelectorAll("a")) {
      if (href === undefined) link.remove();
      else link.href = href;
    }
    tell(element, values);
    return element;
  }

  /** What may change while a line stays the same one: it is put into the place that it has. */
  function tell(element, { count, total, arrived, since, text }) {
    const put = (selector, work) => element.querySelectorAll(selector).forEach(work);
    const say = (said) => (place) => void (place.textContent !== String(said) && (place.textContent = String(said)));
    if (text !== undefined) put("[data-offlinesync-text]", say(text));
    if (count !== undefined) put("[data-offlinesync-count]", say(count));
    if (total !== undefined) put("[data-offlinesync-total]", say(total));
    if (total !== undefined) put("progress", (bar) => tellProgress(bar, { count, total, arrived }));
    if (since !== undefined) put("time", (place) => tellTime(place, since));
  }

  /** Of a single one that goes out whole nobody knows how far it is. */
  function tellProgress(bar, { count, total, arrived }) {
    bar.max = total;
    if (total === 1 && arrived === null) bar.removeAttribute("value");
    else bar.value = count - 1 + (arrived ?? 0);
  }

  /**
   * A sentence says when there is another try, or that it comes soon.
   *
   * @param {HTMLElement} element
   * @param {string | null} at  ISO 8601; null: soon, or nobody knows
   */
  function tellNext(element, at) {
    for (const place of element.querySelectorAll(at ? "[data-offlinesync-soon]" : "[data-offlinesync-at]")) place.remove();
    for (const place of element.querySelectorAll("[data-offlinesync-at] time")) tellTime(place, at, { timeStyle: "short" });
  }

  /**
   * @param {HTMLTimeElement} place
   * @param {string} timestamp  ISO 8601
   * @param {Intl.DateTimeFormatOptions} [style]
   */
  function tellTime(place, timestamp, style = { dateStyle: "medium", timeStyle: "short" }) {
    const date = new Date(timestamp);
    // The device may have said anything of its clock (row B14).
    if (Number.isNaN(date.getTime())) return;
    const text = new Intl.DateTimeFormat(languages, style).format(date);
    place.dateTime = timestamp;
    if (place.textContent !== text) place.textContent = text;
  }

  return {
    clone,
    statusRegion,

    /**
     * A modal dialog takes everything else from the person: until it is closed, what becomes of its form is said in it.
     *
     * @param {HTMLFormElement} form
     */
    bringStatusTo(form) {
      const dialog = form.closest("dialog[open]");
      const region = statusRegion();
      if (!dialog || dialog.contains(region)) return;
      const place = document.createComment("");
      region.replaceWith(place);
      form.before(region);
      dialog.addEventListener("close", () => place.replaceWith(region), { once: true });
    },
    tellTime,
    tellNext,

    arrange,
    isStatusPlaced,

    /** Whether there is a text of that name: a site may have one of its own for a code of its own. */
    has,

    /**
     * What has not changed stays as it is, and is not announced again.
     *
     * @param {Line[]} lines  what is true now, the newest first
     * @param {string} connection  for the site's own styles
     */
    showStatus(lines, connection) {
      const region = statusRegion();
      region.dataset.offlinesyncConnection = connection;
      const before = said;
      said = lines.filter(isThere).map(({ name, count, total, arrived, ...fixed }) => {
        const key = JSON.stringify([name, fixed]);
        const index = before.findIndex((each) => each.key === key && region.contains(each.element));
        const { element } = index < 0 ? { element: line(name, { count, total, arrived, ...fixed }) } : before.splice(index, 1)[0];
        if (index >= 0) tell(element, { count, total, arrived });
        return { key, element };
      });
      arrange(region, said.map(({ element }) => element));
    },

    /** @param {string} action  of a button in the status */
    focusOn(action) {
      statusRegion().querySelector(`[data-offlinesync-action="${action}"]`)?.focus();
    },

    /**
     * @param {boolean} nonField
     * @returns {HTMLElement}
     */
    newErrorList(nonField) {
      return clone(nonField ? "errorlist-nonfield" : "errorlist");
    },

    /**
     * Buttons come and go with what they stand in; the document stays.
     *
     * @param {(action: string, button: HTMLElement) => void} listener
     */
    onAction(listener) {
      document.addEventListener("click", ({ target }) => {
        const button = target.closest?.("[data-offlinesync-action]");
        if (button) listener(button.dataset.offlinesyncAction, button);
      });
    },
  };
}

/** The page's language, if the browser knows what is meant by it; otherwise its own. */
function spoken(language) {
  try {
    return Intl.getCanonicalLocales(language);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
}
