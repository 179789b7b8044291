const LONGEST_LOAD = 10000;
const FORM = "form[data-offlinesync-form]";
const SIGN_OUT = "form[data-offlinesync-sign-out]";

/**
 * What has happened on the page before the client runs, and what it has to know of.
 *
 * @typedef {object} Before
 * @property {Set<HTMLFormElement>} typed  the person has written in them
 * @property {boolean} isLeaving  a form is on its way already, as a plain one
 * @property {boolean} isRestored  the page has been in the back/forward cache
 */
/** @type {Before} */
const before = { typed: new Set(), isLeaving: false, isRestored: false };

const url = (rel) => document.querySelector(`link[rel="offlinesync-${rel}"]`).href;
const once = (target, type) => new Promise((resolve) => target.addEventListener(type, resolve, { once: true }));
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const isHidden = () => document.visibilityState === "hidden";

async function untilPainted() {
  await new Promise(requestAnimationFrame);
  await pause(0);
}

/** Behind a worker there is nothing to fetch, and whoever goes back may find what is not theirs any more (P8). */
function isWanted() {
  const [arrival] = performance.getEntriesByType("navigation");
  return navigator.serviceWorker?.controller || arrival?.type === "back_forward" || document.querySelector(`${FORM}, ${SIGN_OUT}`);
}

/** A page costs what it costs without us until it is there (P9), and what has no form for us until it is complete. */
async function untilPageIsThere() {
  if (document.readyState === "loading") await once(document, "DOMContentLoaded");
  if (!isWanted() && document.readyState !== "complete") await Promise.race([once(window, "load"), pause(LONGEST_LOAD)]);
  if (!isHidden()) await Promise.race([untilPainted(), once(document, "visibilitychange")]);
}

/** @returns {Promise<Document>} by a request that parses it itself, which Trusted Types allow (row D8) */
function fetchTexts() {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const fail = () => reject(new Error(`${url("texts")} did not arrive (${request.status})`));
    // A page of somebody's on the way is no text of ours.
    const isTexts = () => request.status === 200 && request.response?.querySelector("template[data-offlinesync-template]");
    request.onload = () => (isTexts() ? resolve(request.response) : fail());
    request.onerror = fail;
    request.responseType = "document";
    request.open("GET", url("texts"));
    request.send();
  });
}

async function start() {
  await untilPageIsThere();
  const [client, texts] = await Promise.all([import(url("client")), fetchTexts()]);
  client.start(texts, before);
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
