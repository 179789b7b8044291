import { createDatabase } from {{ modules.database }};
import { createDelivery, createLock } from {{ modules.delivery }};
import { createElements } from {{ modules.elements }};
import { newEntry, toSubmission, uuid7 } from {{ modules.entries }};
import * as errors from {{ modules.errors }};
import * as fields from {{ modules.fields }};
import { createForms } from {{ modules.forms }};
import { createOutbox } from {{ modules.outbox }};
import { createStatus } from {{ modules.status }};
import { createTransport } from {{ modules.transport }};
import { createSync, createTriggers } from {{ modules.triggers }};

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
const status = createStatus({ outbox, elements, owner, reportError });
const armSync = createSync({ serviceWorker: navigator.serviceWorker, clock, newTag: () => `${name}:${newId()}` });
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
  window, outbox, status, elements, armSync, clock, owner, newId, newEntry, fields, errors, reportError,
  fetchSession: transport.session,
  deliver: triggers.deliver,
  timestamp: () => new Date().toISOString(),
  announceSaved: () => channel?.postMessage({ type: "saved" }),
});

function receive(message) {
  if (message.type === "receipts") forms.receive(message.owner, message.receipts).catch(reportError);
  // Its tab may be closed before it is sent, and this one goes on.
  if (message.type === "saved") triggers.deliver();
}

async function onOutdated() {
  await status.say("outdated");
  const registration = await navigator.serviceWorker?.getRegistration(config.scope);
  await registration?.update();
}

async function registerWorker() {
  try {
    const policy = globalThis.trustedTypes?.createPolicy("offlinesync", { createScriptURL: () => config.worker });
    const url = policy ? policy.createScriptURL("") : config.worker;
    await navigator.serviceWorker?.register(url, { type: "module", scope: config.scope, updateViaCache: "none" });
  } catch (error) {
    console.info("offlinesync: pages are not kept here, and deliveries start from open pages only.", error);
  }
}

async function start() {
  const taken = forms.start().catch(reportError);
  // A page in the back/forward cache may be first in line for an upgrade, and cannot make it. To hear something there
  // ends it, but only if it listens (row A4).
  if (channel) channel.onmessage = () => {};
  try {
    await outbox.open();
  } catch (error) {
    console.info("offlinesync: forms are not saved here, they are sent as plain forms.", error);
    return;
  }
  if (channel) channel.onmessage = ({ data }) => receive(data);
  await taken;
  await status.refresh();
  await triggers.listen();
}

// After everything the page itself needs (P9).
if (document.readyState === "complete") registerWorker();
else addEventListener("load", registerWorker, { once: true });
start().catch(reportError);
