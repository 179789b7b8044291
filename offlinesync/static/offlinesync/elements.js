/**
 * The visitor's status line, and the parts of what is shown below it. Every text stands in a `<template>` that Django
 * rendered, so that it is translated and a site can override it.
 *
 * @param {object} collaborators
 * @param {Document} collaborators.document
 * @param {() => Document} collaborators.texts  where the templates stand
 */
export function createElements({ document, texts }) {
  const template = (name) => texts().querySelector(`template[data-offlinesync-template="${CSS.escape(name)}"]`);
  const languages = spoken(document.documentElement.lang);

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

  function line(name, { count, since, href, text, level }) {
    const element = clone(name);
    if (level) element.dataset.offlinesyncLevel = level;
    for (const place of element.querySelectorAll("[data-offlinesync-text]")) place.textContent = text;
    for (const place of element.querySelectorAll("[data-offlinesync-count]")) place.textContent = String(count);
    for (const place of element.querySelectorAll("time")) tellTime(place, since);
    for (const link of element.querySelectorAll("a")) {
      if (href === undefined) link.remove();
      else link.href = href;
    }
    return element;
  }

  /**
   * @param {HTMLTimeElement} place
   * @param {string} timestamp  ISO 8601
   */
  function tellTime(place, timestamp) {
    const date = new Date(timestamp);
    // The device may have said anything of its clock (row B14).
    if (Number.isNaN(date.getTime())) return;
    const text = new Intl.DateTimeFormat(languages, { dateStyle: "medium", timeStyle: "short" }).format(date);
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

    /** Whether there is a text of that name: a site may have one of its own for a code of its own. */
    has: (name) => template(name) !== null,

    /**
     * @param {{name: string, count?: number, since?: string, href?: string, text?: string, level?: string}[]} lines  what is true now, the newest first
     */
    showStatus(lines) {
      const region = statusRegion();
      const wanted = lines.map(({ name, ...values }) => line(name, values));
      const same = wanted.length === region.children.length
        && wanted.every((element, index) => element.isEqualNode(region.children[index]));
      // What has not changed is not announced again.
      if (!same) region.replaceChildren(...wanted);
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
