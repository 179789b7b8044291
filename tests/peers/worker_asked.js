// Workbox's `Queue`, as "Advanced usage" in its documentation shows it, and a page that may ask for its replay as well.
importScripts("/workbox/workbox-core.prod.js", "/workbox/workbox-background-sync.prod.js");

self.skipWaiting();
workbox.core.clientsClaim();

const queue = new workbox.backgroundSync.Queue("posts", { maxRetentionTime: 24 * 60 });

async function sendOrQueue(request) {
  try {
    return await fetch(request.clone());
  } catch (error) {
    await queue.pushRequest({ request });
    throw error;
  }
}

self.addEventListener("fetch", (event) => {
  if (event.request.method === "POST" && new URL(event.request.url).pathname === "/api/posts.json") {
    event.respondWith(sendOrQueue(event.request));
  }
});

self.addEventListener("message", (event) => event.waitUntil(queue.replayRequests()));
