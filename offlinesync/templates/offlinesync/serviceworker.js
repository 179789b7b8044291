import { createCaching } from {{ modules.caching }};
import { createDatabase } from {{ modules.database }};
import { createDelivery, createLock } from {{ modules.delivery }};
import { toSubmission, uuid7 } from {{ modules.entries }};
import { createOutbox } from {{ modules.outbox }};
import { createTransport } from {{ modules.transport }};
import { createWakeUp } from {{ modules.triggers }};

const config = {{ config }};
const name = `offlinesync:${config.mount}`;
const clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  setTimeout: (...args) => setTimeout(...args),
  clearTimeout: (...args) => clearTimeout(...args),
};
const newId = () => uuid7(Date.now(), crypto.getRandomValues(new Uint8Array(16)));
const channel = globalThis.BroadcastChannel && new BroadcastChannel(name);
{% block network %}
const network = (...args) => fetch(...args);
{% endblock %}
const caching = createCaching({
  caches,
  clock,
  fetch: network,
  origin: location.origin,
  config: { ...config, prefix: `${name}:`, staticUrl: new URL(config.staticUrl, location.origin).href },
});
const database = createDatabase({
  indexedDB,
  clock,
  name,
  announceBlocked: () => channel?.postMessage({ type: "blocked" }),
});
const deliver = createDelivery({
  outbox: createOutbox({ database, IDBKeyRange, newId }),
  transport: createTransport({ fetch: network, clock, base: config.mount, longest: 150 * 1000 }),
  toSubmission,
  clock,
  lock: createLock({ locks: navigator.locks, clock, name }),
  random: Math.random,
  report: (owner, receipts) => channel?.postMessage({ type: "receipts", owner, receipts }),
});
const wakeUp = createWakeUp({ deliver, clock });

addEventListener("install", (event) => {
  event.waitUntil(caching.install().then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  event.waitUntil(caching.activate().then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  const kind = caching.concerns(event.request);
  if (kind) event.respondWith(caching[kind](event.request, (work) => event.waitUntil(work)));
});

addEventListener("sync", (event) => {
  if (event.tag.startsWith(`${name}:`)) event.waitUntil(wakeUp());
});
