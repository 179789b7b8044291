"""A later release beside today's: the site's own scripts with a grown schema, given out by the proxy (row B13)."""

from __future__ import annotations

import re
import socket

from . import proxy
from .proxy import Proxy
from .site import ROOT
from .stage import Stage
from .wire import WORKER, Exchange, answer

STATIC = ROOT / "offlinesync" / "static" / "offlinesync"
# Releases only add to the schema and to the records, as the simulation's later release does.
CHANGES = {
    "database": [
        ("const VERSION = 2;", "const VERSION = 3;"),
        ('["entries", "files", "state"]', '["entries", "files", "state", "later"]'),
        ('if (lacks("files"))', 'if (lacks("later")) database.createObjectStore("later");\n  if (lacks("files"))'),
    ],
    "entries": [("    ...content,", '    future: "kept",\n    ...content,')],
}
UPDATE_SCRIPT = """
const [done] = arguments;
const { serviceWorker } = navigator;
serviceWorker.addEventListener("controllerchange", () => done(true), { once: true });
serviceWorker.getRegistration().then((registration) => registration.update()).catch((error) => done(String(error)));
"""


def later(name: str) -> str:
    """One module of the later release."""
    source = (STATIC / f"{name}.js").read_text()
    for present, wanted in CHANGES[name]:
        assert source.count(present) == 1, f"{name}.js does not hold once: {present}"
        source = source.replace(present, wanted)
    return source


def deploy(stage: Stage, *paths: str) -> None:
    """Give out the later release under these paths, be they pages or the worker's; all others stay today's."""
    for name in CHANGES:
        stage.proxy.on(f"/static/offlinesync/{name}.later.js", proxy.answering(as_script(later(name))))
    stage.proxy.on("/offlinesync/client.later.js", proxy.rewriting(with_later_modules))
    for path in paths:
        change = with_later_modules if path == WORKER else with_later_client
        stage.proxy.on(path, proxy.rewriting(change))


def as_script(source: str) -> proxy.MakeAnswer:
    """Answers with a script."""
    return lambda exchange: answer(200, source, "text/javascript")


def with_later_client(page: bytes) -> bytes:
    """A page that loads the later client: under a name of its own, so that no worker has it already."""
    changed, count = re.subn(rb"/client\.[0-9a-f]{16}\.js", b"/client.later.js", page)
    assert count, "the page names no client"
    return changed


def with_later_modules(script: bytes) -> bytes:
    """A script that imports what is later, and the rest as it is."""
    named = "|".join(CHANGES).encode()
    changed, count = re.subn(rb"(/static/offlinesync/(?:" + named + rb"))\.[0-9a-f]+\.js", rb"\1.later.js", script)
    assert count >= len(CHANGES), "the script imports nothing that is later"
    return changed


def update_worker(stage: Stage) -> None:
    """Have the browser look for a new worker, and wait until it serves this page."""
    assert stage.driver.execute_async_script(UPDATE_SCRIPT) is True


def worker_only(through: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """Only the worker reaches the site."""
    (proxy.forward if exchange.from_worker else proxy.refuse)(through, exchange, client)
