import { createActs } from {{ modules.acts }};
import { createBackup } from {{ modules.backup }};
import { createDatabase } from {{ modules.database }};
import { createDelivery, createLock } from {{ modules.delivery }};
import { createElements } from {{ modules.elements }};
import { newEntry, toSubmission, uuid7 } from {{ modules.entries }};
import * as errors from {{ modules.errors }};
import * as fields from {{ modules.fields }};
import { createForms } from {{ modules.forms }};
import { createFreshness, refreshPeriodically } from {{ modules.freshness }};
import { createListing, linkTo } from {{ modules.listing }};
import { createMessages } from {{ modules.messages }};
import { createOutbox } from {{ modules.outbox }};
import { createOwnership } from {{ modules.ownership }};
import { createPosting } from {{ modules.posting }};
import { createRegistration } from {{ modules.registration }};
import { createRoom } from {{ modules.room }};
import { createSessions } from {{ modules.sessions }};
import { createShelves } from {{ modules.shelf }};
import { createSignOut } from {{ modules.signout }};
import { createStatus } from {{ modules.status }};
import { createTokens } from {{ modules.tokens }};
import { createPersistence, createTrace } from {{ modules.trace }};
import { createTransport } from {{ modules.transport }};
import { createSync, createTriggers } from {{ modules.triggers }};

const REOPEN_PAUSE = 60000;
const config = {{ config }};
/** @type {Document} */
let texts;
const name = `offlinesync:${config.mount}`;
const owner = document.querySelector('meta[name="offlinesync-owner"]').content;
const clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  setTimeout: (...args) => setTimeout(...args),
  clearTimeout: (...args) => clearTimeout(...args),
};
// Older browsers have no reportError.
const reportError = (error) => (globalThis.reportError ?? console.error)(error);
const newId = () => uuid7(Date.now(), crypto.getRandomValues(new Uint8Array(16)));
const arrival = performance.getEntriesByType("navigation")[0]?.type;
const timestamp = () => new Date().toISOString();
const channel = globalThis.BroadcastChannel && new BroadcastChannel(name);

const database = createDatabase({
  indexedDB: globalThis.indexedDB,
  clock,
  name,
  announceBlocked: () => channel?.postMessage({ type: "blocked" }),
});
const outbox = createOutbox({ database, IDBKeyRange: globalThis.IDBKeyRange, newId });
const transport = createTransport({
  fetch: (...args) => fetch(...args),
  clock,
  base: config.mount,
  longest: 20 * 60 * 1000,
});
const shelves = createShelves({ caches: globalThis.caches, clock, prefix: `${name}:` });
const ownership = createOwnership({ database, clock, removeOthers: shelves.removeOthers });
const fetchSession = createSessions({ transport, ownership, reportError });
const elements = createElements({ document, texts: () => texts });
const listing = createListing({ document, elements, reportError });
const trace = createTrace({ storage: () => localStorage, key: `${name}:trace:${owner}` });
const status = createStatus({ outbox, elements, listing, linkTo, trace, owner, location, reportError });
const download = createBackup({ document, outbox, clock, timestamp, owner });
const worker = createRegistration({
  serviceWorker: navigator.serviceWorker,
  caches: globalThis.caches,
  cachePrefix: `${name}:`,
  trustedTypes: globalThis.trustedTypes,
  location,
  config,
});
const armSync = createSync({
  serviceWorker: config.enabled && navigator.serviceWorker ? worker : undefined,
  clock,
  newTag: () => `${name}:${newId()}`,
});
const deliver = createDelivery({
  outbox,
  transport: { ...transport, session: fetchSession },
  toSubmission,
  clock,
  lock: createLock({ locks: navigator.locks, clock, name }),
  random: Math.random,
  report(receiptsOwner, receipts) {
    const told = { type: "receipts", owner: receiptsOwner, receipts };
    receive(told);
    channel?.postMessage(told);
  },
});
const triggers = createTriggers({ window, deliver, status, armSync, clock, onOutdated, reportError });
const post = createPosting({ window, addHidden: fields.addHidden });
const forms = createForms({
  window, outbox, status, elements, armSync, clock, owner, newId, timestamp, newEntry, fields, errors, post, reportError,
  messages: createMessages({ storage: () => sessionStorage, key: `${name}:messages:${owner}` }),
  fetchSession,
  outdate: (url) => freshness.outdate(url),
  withRoom: createRoom({ shelves }),
  deliver: triggers.deliver,
  acts: createActs({ storage: () => sessionStorage, key: `${name}:acts:${owner}`, location }),
  isRevisited: ["reload", "back_forward"].includes(arrival),
  askToPersist: createPersistence({ storage: navigator.storage }),
  announceSaved: () => channel?.postMessage({ type: "saved" }),
});

const signOut = createSignOut({
  window, owner, ownership, fetchSession, post, reportError,
  home: config.scope,
  askSite: transport.session,
});
const tokens = createTokens({ window, fetchSession, post, reportError, sayUnreached: () => status.say("not-saved") });
const freshness = createFreshness({
  window,
  elements,
  reportError,
  tellWorker: (message, transfer) => worker.tell(message, transfer),
  sayUpdated: () => status.note("updated", location.pathname + location.search),
});

function receive(message) {
  if (message.type === "receipts") forms.receive(message.owner, message.receipts).catch(reportError);
  // Its tab may be closed before it is sent, and this one goes on.
  if (message.type === "saved") triggers.deliver();
  if (message.type === "discarded") status.refresh();
}

async function act(action, button) {
  if (action === "discard") {
    await status.discard(button.dataset.offlinesyncEntry);
    channel?.postMessage({ type: "discarded" });
  }
  if (action === "download") await download(button.dataset.offlinesyncFile);
  if (action === "dismiss") await status.dismissLoss();
}

async function onOutdated() {
  await status.say("outdated");
  await worker.update();
}

async function registerWorker() {
  try {
    await (config.enabled ? worker.register() : worker.retire());
  } catch (error) {
    console.info("offlinesync: pages are not kept here, and deliveries start from open pages only.", error);
  }
}

/** A page says whom it was rendered for; who is signed in, only the site itself. */
async function meetOwner() {
  const { owner: known, leaving } = await ownership.read();
  if (leaving || (known !== owner && !freshness.isKept)) {
    if (leaving) await status.note("signed-out-here");
    await fetchSession();
    if ((await ownership.read()).leaving === null) await status.withdraw("signed-out-here");
    await freshness.keepForNewOwner();
  }
}

async function keepFresh() {
  await registerWorker();
  if (!config.enabled) return;
  await meetOwner();
  await freshness.begin();
  await refreshPeriodically({
    serviceWorker: navigator.serviceWorker && worker,
    permissions: navigator.permissions,
    tag: `${name}:refresh`,
    interval: config.refreshAfter,
  });
}

async function lookAgain() {
  await meetOwner();
  await freshness.look();
}

async function begin(before) {
  const taken = forms.start(before).catch(reportError);
  signOut.start(before.isRestored || arrival === "back_forward" || freshness.isKept);
  tokens.start();
  freshness.start();
  addEventListener("online", () => lookAgain().catch(reportError));
  elements.onAction((action, button) => act(action, button).catch(reportError));
  addEventListener("pagehide", ({ persisted }) => persisted && database.leave());
  // A page in the back/forward cache may be first in line for an upgrade, and cannot make it. To hear something there
  // ends it, but only if it listens (row A4).
  if (channel) channel.onmessage = () => {};
  const isOpen = await openOutbox();
  if (channel) channel.onmessage = ({ data }) => receive(data);
  await taken;
  if (isOpen) await deliverWhatWaits();
}

async function openOutbox() {
  try {
    await outbox.open();
    return true;
  } catch (error) {
    console.info("offlinesync: forms are not saved here now, they are sent as plain forms.", error);
    if (globalThis.indexedDB) clock.setTimeout(() => openLater().catch(reportError), REOPEN_PAUSE);
    return false;
  }
}

/** A disk that was busy, or a tab that blocked an upgrade, must not keep what waits from being sent (rows A4 and B10). */
async function openLater() {
  if (await openOutbox()) await deliverWhatWaits();
}

async function deliverWhatWaits() {
  // What can't be shown goes out all the same (row B9).
  await status.refresh().catch(reportError);
  await triggers.listen();
}

/**
 * @param {Document} loaded  the texts for the visitor
 * @param {import("../../static/offlinesync/entry.js").Before} before
 */
export function start(loaded, before) {
  texts = loaded;
  begin(before).catch(reportError);
  // After everything the page itself needs (P9).
  const later = () => keepFresh().catch(reportError);
  if (document.readyState === "complete") later();
  else addEventListener("load", later, { once: true });
  // For whoever looks at the page's timeline: from here on its forms work offline.
  performance.mark("offlinesync:start");
}
