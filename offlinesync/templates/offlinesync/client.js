import { createActivity } from {{ modules.activity }};
import { createActs, placeOf } from {{ modules.acts }};
import { createBackup } from {{ modules.backup }};
import { createConnection } from {{ modules.connection }};
import { createControls } from {{ modules.controls }};
import { createCorrecting } from {{ modules.correcting }};
import { createDatabase } from {{ modules.database }};
import { createDelivery, createLock, leftOf } from {{ modules.delivery }};
import { createDocuments } from {{ modules.documents }};
import { createDrafts } from {{ modules.drafts }};
import { createElements } from {{ modules.elements }};
import { newEntry, toSubmission, uuid7, wordsIn } from {{ modules.entries }};
import * as errors from {{ modules.errors }};
import * as fields from {{ modules.fields }};
import { createForms } from {{ modules.forms }};
import { createFormStates } from {{ modules.formstates }};
import { createFreshness, refreshPeriodically } from {{ modules.freshness }};
import { createGreeting } from {{ modules.greeting }};
import { createLeaving } from {{ modules.leaving }};
import { createListing, isOpenable, linkTo, titleOf } from {{ modules.listing }};
import { createMessages } from {{ modules.messages }};
import { createOffers } from {{ modules.offers }};
import { createOutbox } from {{ modules.outbox }};
import { createOwnership } from {{ modules.ownership }};
import { createPending } from {{ modules.pending }};
import { createPictures } from {{ modules.pictures }};
import { createPosting } from {{ modules.posting }};
import { createReasons } from {{ modules.reasons }};
import { createRefusal } from {{ modules.refusal }};
import { createRegistration } from {{ modules.registration }};
import { createRenewal } from {{ modules.renewal }};
import { createRoom } from {{ modules.room }};
import { createSessions } from {{ modules.sessions }};
import { createShelves } from {{ modules.shelf }};
import { createSignOut } from {{ modules.signout }};
import { createStatus } from {{ modules.status }};
import { createSubmitting } from {{ modules.submitting }};
import { createTokens } from {{ modules.tokens }};
import { createPersistence, createTrace } from {{ modules.trace }};
import { createTransport } from {{ modules.transport }};
import { createSync, createTriggers } from {{ modules.triggers }};
import { createDigest, createUploads } from {{ modules.uploads }};

const REOPEN_PAUSE = 60000;
const config = {{ config }};
/** @type {Document} */
let texts;
const name = `offlinesync:${config.mount}`;
const said = (what) => document.querySelector(`meta[name="offlinesync-${what}"]`)?.content ?? null;
const owner = said("owner");
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
{% block network %}
const network = (...args) => fetch(...args);
{% endblock %}
const database = createDatabase({
  indexedDB: globalThis.indexedDB,
  clock,
  name,
  announceBlocked: () => channel?.postMessage({ type: "blocked" }),
});
const outbox = createOutbox({ database, IDBKeyRange: globalThis.IDBKeyRange, newId });
const sayUpdated = () => status.note("updated", location.pathname + location.search);
// What has changed is told as far as the outbox can be read.
const changed = () => status.refresh().catch(reportError);
const activity = createActivity({ clock, changed });
const connection = createConnection({ window, clock, random: Math.random, mayAsk, changed, reportError });
const transport = activity.watch(connection.watch(createTransport({
  fetch: network,
  clock,
  base: config.mount,
  longest: 20 * 60 * 1000,
})));
const shelves = createShelves({ caches: globalThis.caches, clock, prefix: `${name}:` });
const withRoom = createRoom({ shelves, storage: navigator.storage });
const ownership = createOwnership({ database, clock, removeOthers: shelves.removeOthers });
const fetchSession = createSessions({ transport, ownership, reportError });
const fetchDocument = createDocuments({ XMLHttpRequest: globalThis.XMLHttpRequest });
const elements = createElements({ document, texts: () => texts, reportError });
const reasons = createReasons({ elements, clock, activity, connection });
const listing = createListing({ document, elements, reasons, wordsIn, reportError });
const renewal = createRenewal({
  window, fetchDocument, clock, owner, reportError,
  isFilled: fields.isFilled,
  sayUpdated,
});
const pending = createPending({
  window, elements, reasons, wordsIn, renewal, reportError,
  listing: { linkTo, titleOf, isOpenable },
  showPictures: createPictures({ outbox }),
});
const trace = createTrace({ storage: () => localStorage, key: `${name}:trace:${owner}` });
const status = createStatus({
  outbox, elements, listing, pending, activity, connection, reasons, linkTo, trace, owner, location, reportError,
  hasForms: () => [...document.forms].some(forms.takes),
});
const greet = createGreeting({
  storage: () => sessionStorage,
  key: `${name}:owner`,
  account: said("account"),
  owner, outbox, status,
});
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
  uploads: createUploads({ outbox, transport, digest: createDigest(globalThis.crypto?.subtle) }),
  toSubmission,
  clock,
  lock: activity.watchLock(createLock({ locks: navigator.locks, clock, name })),
  random: Math.random,
  report(receiptsOwner, receipts) {
    const told = { type: "receipts", owner: receiptsOwner, receipts };
    receive(told);
    channel?.postMessage(told);
  },
});
const triggers = createTriggers({ window, deliver: () => activity.during(deliver()), status, armSync, clock, onOutdated, reportError });
/** At once, but for what the site itself has put off (row B12). */
async function sendNow() {
  await outbox.hasten(owner).catch(reportError);
  return triggers.deliver();
}

/** The site may have asked to be left alone (row B12). */
async function mayAsk() {
  const { hold } = await outbox.outlook();
  return leftOf(hold, clock.wall()) === 0;
}

const post = createPosting({ window, addHidden: fields.addHidden });
const stateOf = createFormStates();
const acts = createActs({ storage: () => sessionStorage, key: `${name}:acts:${owner}`, location });
const correcting = createCorrecting({
  window, outbox, status, stateOf, acts, fields, reportError, owner,
  showRefusal: createRefusal({ elements, errors, fields }),
  isRevisited: ["reload", "back_forward"].includes(arrival),
});
const drafts = createDrafts({
  window, database, withRoom, clock, fields, stateOf, placeOf, newId, timestamp, reportError, owner,
  IDBKeyRange: globalThis.IDBKeyRange,
  changed: (form, what) => offers.tell(form, what),
});
const offers = createOffers({
  document, elements, drafts, outbox, acts, correcting, status, stateOf, fields, clock, owner,
  ask: () => channel?.postMessage({ type: "drafts" }),
});
const forms = createForms({
  window, outbox, status, elements, armSync, clock, owner, newId, timestamp, newEntry, fields, errors, post, reportError,
  stateOf, acts, correcting, drafts,
  messages: createMessages({ storage: () => sessionStorage, key: `${name}:messages:${owner}` }),
  fetchSession,
  outdate: (url) => freshness.outdate(url),
  withRoom,
  deliver: triggers.deliver,
  askToPersist: createPersistence({ storage: navigator.storage }),
  announceSaved: () => channel?.postMessage({ type: "saved" }),
});

const submit = createSubmitting({
  outbox, status, armSync, newEntry, newId, timestamp, reportError,
  withRoom,
  deliver: triggers.deliver,
  announceSaved: () => channel?.postMessage({ type: "saved" }),
  askToPersist: createPersistence({ storage: navigator.storage }),
  // A page that changes its address goes on.
  circumstances: () => ({ owner, page: location.pathname + location.search, language: said("language"), time_zone: said("time-zone") }),
  isEnabled: config.enabled,
});

const signOut = createSignOut({
  window, owner, ownership, fetchSession, post, reportError,
  askSession: transport.session,
  mayLeave: createLeaving({ document, outbox, elements, clock, owner, sendNow }),
  home: config.scope,
});
const tokens = createTokens({ window, fetchSession, post, reportError, sayUnreached: () => status.say("not-saved") });
const freshness = createFreshness({
  window,
  elements,
  reportError,
  language: said("language") ?? "",
  tellWorker: (message, transfer) => worker.tell(message, transfer),
  sayUpdated,
});

const controls = createControls({
  outbox, status, listing, pending, elements, connection, offers, withRoom, download, owner, sendNow, reportError,
  deliver: triggers.deliver,
  announce: (message) => channel?.postMessage(message),
});

function receive(message) {
  if (message.type === "receipts") {
    connection.reached();
    forms.receive(message.owner, message.receipts).catch(reportError);
    tellSite(message.owner, message.receipts);
  }
  // Its tab may be closed before it is sent, and this one goes on.
  if (message.type === "saved") triggers.deliver();
  if (message.type === "discarded") {
    pending.forget(message.id);
    status.refresh();
  }
  if (message.type === "drafts") channel.postMessage({ type: "drafted", ids: drafts.alive() });
  if (message.type === "drafted") offers.hear(message.ids);
}

/** What has become of its owner's entries, and of nobody else's (P4). */
function tellSite(receiptsOwner, receipts) {
  if (receiptsOwner !== owner) return;
  for (const detail of receipts) document.dispatchEvent(new CustomEvent("offlinesync:receipt", { detail }));
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
    await fetchSession();
    const isTold = (await ownership.read()).leaving === null;
    if (isTold) await status.withdraw("signed-out-here");
    else await status.note("signed-out-here");
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
  if (config.enabled) connection.start();
  signOut.start(before.isRestored || arrival === "back_forward" || freshness.isKept);
  tokens.start();
  freshness.start();
  addEventListener("online", () => lookAgain().catch(reportError));
  elements.onAction((action, button) => controls.act(action, button).catch(reportError));
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
  await greet().catch(reportError);
  offers.start().catch(reportError);
  await triggers.listen();
}

/** @param {import("../../static/offlinesync/fields.js").Before} before */
export async function start(before) {
  texts = await fetchDocument(document.querySelector('link[rel="offlinesync-texts"]').href, "template[data-offlinesync-template]");
  begin(before).catch(reportError);
  globalThis.offlinesync = Object.freeze({ submit });
  document.dispatchEvent(new CustomEvent("offlinesync:ready"));
  // After everything the page itself needs (P9).
  const later = () => keepFresh().catch(reportError);
  if (document.readyState === "complete") later();
  else addEventListener("load", later, { once: true });
  // For whoever looks at the page's timeline: from here on its forms work offline.
  performance.mark("offlinesync:start");
}
