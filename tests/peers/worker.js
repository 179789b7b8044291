// Workbox as its documentation sets it up; the files are those of tests/node_modules, as they are.
importScripts(
  "/workbox/workbox-core.prod.js",
  "/workbox/workbox-routing.prod.js",
  "/workbox/workbox-strategies.prod.js",
  "/workbox/workbox-background-sync.prod.js",
);

self.skipWaiting();
workbox.core.clientsClaim();

const retryLater = new workbox.backgroundSync.BackgroundSyncPlugin("posts", { maxRetentionTime: 24 * 60 });
const failOnServerError = {
  fetchDidSucceed: async ({ response }) => {
    if (response.status >= 500) throw new Error(`The server answered ${response.status}.`);
    return response;
  },
};

workbox.routing.registerRoute(
  ({ url }) => url.pathname === "/api/posts.json",
  new workbox.strategies.NetworkOnly({ plugins: [failOnServerError, retryLater] }),
  "POST",
);
