/**
 * The visitor's status line. Every text stands in a `<template>` that Django rendered, so that it is translated and
 * a site can override it.
 *
 * @param {object} collaborators
 * @param {Document} collaborators.document
 */
export function createElements({ document }) {
  const template = (name) => document.querySelector(`template[data-offlinesync-template="${name}"]`);
  const clone = (name) => template(name).content.firstElementChild.cloneNode(true);

  /**
   * A live region speaks only of what changes while it is in the page: it is placed before it is needed.
   *
   * @returns {HTMLElement}
   */
  function statusRegion() {
    const placed = document.querySelector("[data-offlinesync-status]");
    if (placed) return placed;
    const region = clone("status");
    const form = document.querySelector("form[data-offlinesync-form]");
    if (form) form.before(region);
    else document.body.prepend(region);
    return region;
  }

  function line(name, { count, href }) {
    const element = clone(name);
    for (const place of element.querySelectorAll("[data-offlinesync-count]")) place.textContent = String(count);
    for (const link of element.querySelectorAll("a")) link.href = href;
    return element;
  }

  return {
    /**
     * @param {{name: string, count?: number, href?: string}[]} lines  what is true now, the newest first
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
  };
}
