const LONGEST_LOAD = 10000;
const FORM = "form[data-offlinesync-form]";
/** @type {import("./fields.js").Before} */
const before = { typed: new Set(), isLeaving: false, isRestored: false };

const url = (rel) => document.querySelector(`link[rel="offlinesync-${rel}"]`).href;
const once = (target, type) => new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const painted = () => new Promise(requestAnimationFrame).then(() => pause(0));

/** Behind a worker there is nothing to fetch, and whoever goes back may find what is not theirs any more (P8). */
const isWanted = () =>
  navigator.serviceWorker?.controller ||
  performance.getEntriesByType("navigation")[0]?.type === "back_forward" ||
  document.querySelector(`${FORM}, form[data-offlinesync-sign-out]`);

/** When the page is there (P9), and complete if it has no form for us. This file comes before: it is kept small. */
async function start() {
  if (document.readyState === "loading") await once(document, "DOMContentLoaded");
  if (!isWanted() && document.readyState !== "complete") await Promise.race([once(window, "load"), pause(LONGEST_LOAD)]);
  if (document.visibilityState !== "hidden") await Promise.race([painted(), once(document, "visibilitychange")]);
  // In its own place in the head, before the styles of the site that come after it.
  for (const link of document.querySelectorAll('link[rel="offlinesync-style"]')) link.rel = "stylesheet";
  // The client takes the texts from the browser's cache.
  const [client] = await Promise.all([import(url("client")), fetch(url("texts"))]);
  await client.start(before);
}

const say = (error) => console.info("offlinesync: forms are sent as plain forms here.", error);
let starting = start();
starting.catch(say);

addEventListener("input", ({ target }) => {
  const form = target.form ?? target.closest?.("form");
  if (form) before.typed.add(form);
});
addEventListener("submit", ({ target, defaultPrevented }) => {
  if (!defaultPrevented && target.matches(`${FORM}:not([target])`)) before.isLeaving = true;
});
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  Object.assign(before, { isRestored: true, isLeaving: false });
  starting = starting.catch(start);
  starting.catch(say);
});
