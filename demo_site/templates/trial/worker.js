/** What the switch says; null until somebody has looked. @type {boolean | null} */
let isCutNow = null;

async function isNetworkCut() {
  const found = isCutNow ?? (await look());
  isCutNow ??= found;
  return isCutNow;
}

isNetworkCut();
// While it was installed, the switch has been moved in the worker before it.
addEventListener("activate", () => {
  isCutNow = null;
  isNetworkCut();
});

/** A page has moved the switch, and all of them are told. */
async function moveSwitch(isCut) {
  // What the browser begins to load beside the worker goes past it.
  if (isCut) await registration.navigationPreload?.disable();
  await (isCut ? caches.open(CUT) : caches.delete(CUT));
  isCutNow = isCut;
  if (!isCut) await preloadPages();
  const told = await clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const client of told) client.postMessage({ type: "network", isCut, isMoved: true });
}

async function tellSwitch(client) {
  client.postMessage({ type: "network", isCut: await isNetworkCut(), isMoved: false });
}

addEventListener("message", (event) => {
  const { data, source } = event;
  if (data?.type === "network") event.waitUntil("isCut" in data ? moveSwitch(data.isCut) : tellSwitch(source));
});

/**
 * No network, but for what a browser shows without asking: the photos of a page that is kept. To a page there is an answer,
 * since Firefox would ask the site itself after an error.
 */
async function answer(request) {
  if (!(await isNetworkCut())) return fetch(request);
  if (request.mode === "navigate") return (await keeping.findOffline())?.response ?? Response.error();
  if (request.destination !== "image") return Response.error();
  return fetch(request, { cache: "only-if-cached", mode: "same-origin" });
}

// What is answered above comes no further than there: this is what would go to the network past the worker.
addEventListener("fetch", (event) => {
  if (isCutNow !== false && new URL(event.request.url).origin === location.origin) event.respondWith(answer(event.request));
});
