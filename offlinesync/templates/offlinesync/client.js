import { createActs } from {{ modules.acts }};
import { createBackup } from {{ modules.backup }};
import { createDatabase } from {{ modules.database }};
import { createDelivery, createLock } from {{ modules.delivery }};
import { createElements } from {{ modules.elements }};
import { newEntry, toSubmission, uuid7 } from {{ modules.entries }};
import * as errors from {{ modules.errors }};
import * as fields from {{ modules.fields }};
import { createForms } from {{ modules.forms }};
import { createListing, linkTo } from {{ modules.listing }};
import { createOutbox } from {{ modules.outbox }};
import { createRegistration } from {{ modules.registration }};
import { createStatus } from {{ modules.status }};
import { createPersistence, createTrace } from {{ modules.trace }};
import { createTransport } from {{ modules.transport }};
import { createSync, createTriggers } from {{ modules.triggers }};

const REOPEN_PAUSE = 60000;
const config = {{ config }};
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
const elements = createElements({ document });
const listing = createListing({ document, elements, reportError });
const trace = createTrace({ storage: () => localStorage, key: `${name}:trace:${owner}` });
const status = createStatus({ outbox, elements, listing, linkTo, trace, owner, location, reportError });
const download = createBackup({ document, outbox, clock, timestamp, owner });
const worker = createRegistration({
  serviceWorker: navigator.serviceWorker,
  trustedTypes: globalThis.trustedTypes,
  location,
  config,
});
const armSync = createSync({ serviceWorker: navigator.serviceWorker && worker, clock, newTag: () => `${name}:${newId()}` });
const deliver = createDelivery({
  outbox,
  transport,
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
const forms = createForms({
  window, outbox, status, elements, armSync, clock, owner, newId, timestamp, newEntry, fields, errors, reportError,
  fetchSession: transport.session,
  deliver: triggers.deliver,
  acts: createActs({ storage: () => sessionStorage, key: `${name}:acts:${owner}`, location }),
  isRevisited: ["reload", "back_forward"].includes(performance.getEntriesByType("navigation")[0]?.type),
  askToPersist: createPersistence({ storage: navigator.storage }),
  announceSaved: () => channel?.postMessage({ type: "saved" }),
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
    await worker.register();
  } catch (error) {
    console.info("offlinesync: pages are not kept here, and deliveries start from open pages only.", error);
  }
}

async function start() {
  const taken = forms.start().catch(reportError);
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

// After everything the page itself needs (P9).
if (document.readyState === "complete") registerWorker();
else addEventListener("load", registerWorker, { once: true });
start().catch(reportError);
