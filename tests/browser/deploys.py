"""Real deploys: the demo comes back on the same port with other static files, and a new worker takes over."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from . import pages, proxy
from .pages import FORM, LIST
from .proxy import Proxy
from .site import ROOT
from .stage import Stage
from .waiting import wait_until
from .wire import WORKER, Exchange

STYLES = "demo/site.css"
MODULE = "offlinesync/errors.js"
SOURCES = {
    STYLES: ROOT / "demo_site" / "static" / STYLES,
    MODULE: ROOT / "offlinesync" / "static" / MODULE,
}
ADDED = {
    STYLES: "\n:root { --deploy: later; }\n",
    MODULE: "\n// A later one.\n",
}
TITLES = {LIST: "Posts", FORM: "Write a post"}
CLIENT = re.compile(r"/offlinesync/client\.[0-9a-f]{16}\.js")

# Before the deploy, since the browser also looks for a new worker of its own accord.
WATCH_SCRIPT = """
window.takenOver = false;
navigator.serviceWorker.addEventListener("controllerchange", () => { window.takenOver = true; });
"""
UPDATE_SCRIPT = """
const [done] = arguments;
navigator.serviceWorker.getRegistration()
  .then((registration) => registration.update())
  .then(() => done(true), (error) => done(String(error)));
"""
# Each owner has copies of their own.
KEPT_SCRIPT = """
const [paths, word, done] = arguments;
(async () => {
  const all = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
  const holds = async (path) => {
    const copies = await Promise.all(all.map((cache) => cache.match(path, { ignoreVary: true })));
    const texts = await Promise.all(copies.map((response) => response?.text()));
    return texts.some((text) => text?.includes(word));
  };
  return (await Promise.all(paths.map(holds))).every(Boolean);
})().then(done, (error) => done(String(error)));
"""
STYLES_SCRIPT = "return getComputedStyle(document.documentElement).getPropertyValue('--deploy').trim()"
# The client itself has said so.
FROM_DEVICE_SCRIPT = "return Boolean(document.documentElement.dataset.offlinesyncKept)"


def deploy(stage: Stage, *names: str) -> None:
    """Stop the server, and start it again with these static files changed."""
    overlay = stage.site.data.parent / "overlay"
    for name in names:
        file = overlay / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SOURCES[name].read_text() + ADDED[name])
    stage.site.environment.update(DJANGO_SETTINGS_MODULE="tests.browser.redeployed", DEMO_OVERLAY=str(overlay))
    stage.site.stop()
    stage.site.start()


def deploy_worker(stage: Stage) -> None:
    """Give out another worker from now on, which differs by a comment."""
    stage.proxy.on(WORKER, proxy.rewriting(lambda script: script + b"\n// A later one.\n"))


@contextmanager
def taking_over(stage: Stage) -> Iterator[None]:
    """Deploy within; after it a new worker serves the page that is open."""
    watch(stage)
    yield
    look_for_worker(stage)
    wait_for_new_worker(stage)


def watch(stage: Stage) -> None:
    """Have the page that is open say when another worker has taken over."""
    stage.driver.execute_script(WATCH_SCRIPT)


def look_for_worker(stage: Stage) -> None:
    """Have the browser look for a new worker."""
    assert stage.driver.execute_async_script(UPDATE_SCRIPT) is True


def wait_for_new_worker(stage: Stage) -> None:
    """Wait until another worker serves the page that has been watched."""
    wait_until(lambda: stage.driver.execute_script("return window.takenOver"), "the new worker has taken over")


def wait_until_kept(stage: Stage, word: str, *paths: str) -> None:
    """Wait until the kept copies of these pages hold the word."""
    wait_until(
        lambda: stage.driver.execute_async_script(KEPT_SCRIPT, paths, word) is True, f"{paths} are kept with {word}"
    )


def name_of(stage: Stage, name: str) -> str:
    """The path that the site gives a static file now, as its worker and its list name it."""
    stem, _, suffix = name.rpartition(".")
    named = re.compile(rf"/static/{re.escape(stem)}\.[0-9a-f]+\.{suffix}")
    texts = [stage.site.get(path).body.decode() for path in (WORKER, LIST)]
    (found,) = {name for text in texts for name in named.findall(text)}
    return str(found)


def name_of_client(stage: Stage) -> str:
    """The path of the site's client script now."""
    (found,) = set(CLIENT.findall(stage.site.get(LIST).body.decode()))
    return str(found)


def files_fetched(stage: Stage) -> list[str]:
    """The static files and client scripts that the browser has asked the site for."""
    paths = [exchange.path for exchange in stage.proxy.exchanges]
    return sorted(path for path in paths if is_file(path))


def files_fetched_to_keep(stage: Stage) -> list[str]:
    """Those of them that were fetched by a script, and so by the worker, to be kept: not to be run or drawn with."""
    by_script = [exchange for exchange in stage.proxy.exchanges if exchange.headers["Sec-Fetch-Dest"] == "empty"]
    return sorted(exchange.path for exchange in by_script if is_file(exchange.path))


def is_file(path: str) -> bool:
    """Whether it is a static file or the client script."""
    return path.startswith("/static/") or CLIENT.fullmatch(path) is not None


def keep_from_http_cache(stage: Stage) -> None:
    """From now on only the worker can keep files: nothing may be answered from the browser's own cache."""
    stage.proxy.on(None, uncached)


def uncached(through: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """Pass on a file as one that is to be asked for each time, and anything else as it is."""
    received = proxy.ask(through, exchange)
    if is_file(exchange.path):
        received = re.sub(rb"(?i)\r\ncache-control:[^\r]*", b"\r\nCache-Control: no-cache", received, count=1)
    client.sendall(received)


def has_later_styles(stage: Stage) -> bool:
    """Whether the page on the screen is drawn with the later style sheet."""
    return bool(stage.driver.execute_script(STYLES_SCRIPT) == "later")


def open_from_device(stage: Stage, path: str) -> None:
    """Open a page that the worker has kept, and wait until its client runs."""
    stage.open(path)
    pages.wait_for_title(stage.driver, TITLES[path])
    wait_until(lambda: stage.driver.execute_script(FROM_DEVICE_SCRIPT), "its client says that it is from the device")
