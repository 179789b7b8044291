const LONGEST_REMOVAL = 5000;
const config = {{ config }};
const prefix = `offlinesync:${config.mount}:`;

// No "fetch": from its first moment on the network answers everything. What waits in IndexedDB is left for the pages.
addEventListener("install", () => skipWaiting());

addEventListener("activate", (event) => event.waitUntil(leave()));

/** By now the worker that was here before has ended, and makes no cache anew. */
async function leave() {
  try {
    await Promise.race([removeCaches(), timeLimit()]);
  } finally {
    await registration.unregister();
  }
}

async function removeCaches() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(prefix)).map((name) => caches.delete(name)));
}

/** Until a worker is active every page of the site waits for it, and a broken storage may never answer (P9). */
function timeLimit() {
  return new Promise((resolve) => setTimeout(resolve, LONGEST_REMOVAL));
}
