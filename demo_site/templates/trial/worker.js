/** What is known without a look; null: nothing yet, the worker has just started. @type {boolean | null} */
let isKnownCut = null;
isNetworkCut().then((isCut) => (isKnownCut ??= isCut));

/** A page has moved the switch, and all of them are told. */
async function moveSwitch(isCut) {
  // What the browser begins to load beside the worker goes past it.
  if (isCut) await registration.navigationPreload?.disable();
  await (isCut ? caches.open(CUT) : caches.delete(CUT));
  isKnownCut = isCut;
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

/** Without a network the browser still has what it may show without asking: the photos of a page that is kept. */
async function answer(request) {
  if (!(await isNetworkCut())) return fetch(request);
  if (request.destination !== "image") return Response.error();
  return fetch(request, { cache: "only-if-cached", mode: "same-origin" });
}

// What is answered above comes no further than there: this is what would go to the network past the worker.
addEventListener("fetch", (event) => {
  if (isKnownCut !== false && new URL(event.request.url).origin === location.origin) event.respondWith(answer(event.request));
});
