import { createCaching } from {{ modules.caching }};
import { createDatabase } from {{ modules.database }};
import { createDelivery, createLock } from {{ modules.delivery }};
import { toSubmission, uuid7 } from {{ modules.entries }};
import { createKeeping } from {{ modules.keeping }};
import { createOutbox } from {{ modules.outbox }};
import { createOwnership } from {{ modules.ownership }};
import * as reading from {{ modules.reading }};
import { createSessions } from {{ modules.sessions }};
import { createShelves } from {{ modules.shelf }};
import { createTransport } from {{ modules.transport }};
import { createWakeUp } from {{ modules.triggers }};
import { createDigest, createUploads } from {{ modules.uploads }};

const LONGEST_ACTIVATION = 5000;
const LONGEST_OUTDATING = 500;
const config = {{ config }};
const name = `offlinesync:${config.mount}`;
const clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  setTimeout: (...args) => setTimeout(...args),
  clearTimeout: (...args) => clearTimeout(...args),
};
const digest = createDigest(crypto.subtle);
const newId = () => uuid7(Date.now(), crypto.getRandomValues(new Uint8Array(16)));
const channel = globalThis.BroadcastChannel && new BroadcastChannel(name);
{% block network %}
const network = (...args) => fetch(...args);
{% endblock %}
const database = createDatabase({
  indexedDB,
  clock,
  name,
  announceBlocked: () => channel?.postMessage({ type: "blocked" }),
});
const transport = createTransport({ fetch: network, clock, base: config.mount, longest: 150 * 1000 });
const shelves = createShelves({ caches: globalThis.caches, clock, prefix: `${name}:`, limits: config.limits });
const ownership = createOwnership({ database, clock, removeOthers: shelves.removeOthers });
const fetchSession = createSessions({ transport, ownership, reportError: (error) => console.error(error) });
const keeping = createKeeping({
  shelves,
  ownership,
  fetchSession,
  reading,
  fetch: network,
  clock,
  digest: async (text) => (await digest(new TextEncoder().encode(text))).slice(0, 16),
  announce,
  origin: location.origin,
  config: { ...config, staticUrl: new URL(config.staticUrl, location.origin).href },
});
const caching = createCaching({ keeping, ownership, fetch: network, fetchSession, clock, origin: location.origin, config });
const outbox = createOutbox({ database, IDBKeyRange, newId });
const deliver = createDelivery({
  outbox,
  transport: { ...transport, session: fetchSession },
  uploads: createUploads({ outbox, transport, digest }),
  toSubmission,
  clock,
  lock: createLock({ locks: navigator.locks, clock, name }),
  random: Math.random,
  report,
});
const wakeUp = createWakeUp({ deliver, clock });
const tasks = {
  compare: keeping.compare,
  look: keeping.look,
  outdate: ({ path }) => keeping.outdate(path),
  refresh: keeping.refreshNamed,
};

/** A broken storage may never answer, and nobody is to wait for it (P9). */
function within(limit, work) {
  return Promise.race([work, new Promise((resolve) => setTimeout(resolve, limit))]);
}

/** Whoever is told goes on to what was sent, and is not to find what was kept before. */
async function report(owner, receipts) {
  const outdated = receipts.map(async ({ result }) => result?.url && keeping.outdate(pathOf(result.url)));
  await within(LONGEST_OUTDATING, Promise.all(outdated)).catch((error) => console.error(error));
  channel?.postMessage({ type: "receipts", owner, receipts });
}

function pathOf(url) {
  const { pathname, search } = new URL(url, location.origin);
  return pathname + search;
}

/** To each that shows the page. A broadcast would end what lies in the back/forward cache (row A8). */
async function announce(update) {
  const shown = await clients.matchAll({ type: "window" });
  for (const client of shown) {
    if (pathOf(client.url) === update.path) client.postMessage({ type: "updated", ...update });
  }
}

async function preloadPages() {
  // WebKit's preloads come without what the page was asked for with, and break off: it is left out there.
  const isWebKit = /AppleWebKit/.test(navigator.userAgent) && !/Chrom(e|ium)\//.test(navigator.userAgent);
  if (!isWebKit) await registration.navigationPreload?.enable();
}

addEventListener("install", (event) => {
  event.waitUntil(keeping.install().then(() => skipWaiting()));
});

addEventListener("activate", (event) => event.waitUntil(activate()));

/** Until a worker is active every page of the site waits for it. */
async function activate() {
  await within(LONGEST_ACTIVATION, Promise.all([keeping.activate(), preloadPages()]));
  await clients.claim();
}

addEventListener("fetch", (event) => {
  const kind = caching.concerns(event.request);
  if (!kind) return;
  const { request, preloadResponse: preload } = event;
  event.respondWith(caching[kind]({ request, preload }, (work) => event.waitUntil(work)));
});

addEventListener("message", (event) => {
  const task = tasks[event.data?.type];
  if (task) event.waitUntil(task(event.data).finally(() => event.ports[0]?.postMessage("done")));
});

addEventListener("periodicsync", (event) => {
  if (event.tag === `${name}:refresh`) event.waitUntil(keeping.refreshNamed());
});

addEventListener("sync", (event) => {
  if (event.tag.startsWith(`${name}:`)) event.waitUntil(wakeUp());
});
{% block extra %}{% endblock %}
