"""Our app and Workbox's background sync, side by side: the same failures, one run, counted in each site's database.

What was chosen for Workbox, so that the comparison is fair:

* `BackgroundSyncPlugin` on a `NetworkOnly` route for POST, with `maxRetentionTime`, as "Basic usage" in its
  documentation shows it, and with the `fetchDidSucceed` plugin that the documentation offers for answers of 5xx:
  the stronger of the set-ups it describes. Everything else is a default.
* That a request is not kept for an answer of 4xx or 5xx is said there as well: the plugin is made for failed networks.
* The production build of the npm packages, in the browser that it serves best: Chromium, with real background sync.
* Its queue is emptied by its worker alone. Where pages send too (`asking_senders`), it is set up with its `Queue`
  class as "Advanced usage" shows it, and each page asks by a message for `replayRequests()`, of its reference.
* Its site has no CSRF check, where a stored token would be stale after each sign-in and the post refused.
* Its page says "Queued" only after the worker has stored the request and registered its sync.
* Its posts carry no id of their own: the documentation names none, and its site takes each request for a new post.
* Posts are always saved offline first. An answer that comes while the page waits for it is the page's business with
  Workbox, and is not compared; neither is speed.

What is the same for both: the browser, the pulled cable, the proxy that answers in the site's place, the moments of
the kills, and Chromium's pause between two attempts of a sync, which is shortened from five minutes to seconds. After
each fault the honest site is back, the page is opened again, and nobody counts before the contender has finished: for
Workbox when Chromium has no sync of it left, for the app when its outbox is empty.

Where Workbox does as well, the table says so: nothing is lost of what waits for the link, and an answer that breaks
off after its head counts as delivered, as it should there.

A post is lost when it is neither in the site's database nor on the device.
"""
