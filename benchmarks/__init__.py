"""What the app costs a visitor, and what it gives: the demo with it against the same demo without it, in one run.

Both sites are the demo's server with the same data; `without.py` has the app's tags render nothing, and all else is
the same. A visitor's Chromium reaches them through `link.py`: a round trip of 400 ms and 400 kbit/s each way, shared
by all of the browser's connections, each of which takes a round trip to set up. One visitor:

1. visits the list for the first time, with an empty profile; with the app, until its worker keeps the pages;
2. closes the browser, opens it again and visits the list; then the same for the form;
3. visits both once more while the server is stopped, the browser opened anew each time.

Visitors with and without take turns, so that whatever the machine does besides comes to both. No time is asserted.

What is not as it would be elsewhere: the demo speaks HTTP/1.1 and does not compress its pages, and TCP's slow start is
left out, because the link holds hardly more than a first window.
"""
