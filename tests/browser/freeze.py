"""Writes down what this checkout's release leaves in a browser, for later releases to be tested with (row A5).

`python -m tests.browser.freeze FILE` before the schema's version grows; the file belongs into `releases/`.
"""

from __future__ import annotations

import json
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from . import pages, proxy
from .engines import Chromium
from .frozen import read_outbox
from .pages import NEUTRAL
from .proxy import SESSION, SUBMISSIONS, Proxy
from .site import prepare
from .stage import Stage, Way, staged
from .waiting import wait_until
from .wire import Exchange, answer


def freeze(stage: Stage) -> str:
    """Save one entry of each kind there is, and read the outbox."""
    pages.deny_background_sync(stage)
    stage.proxy.on(SUBMISSIONS, answer_by_title)
    save(stage, "Failed", pages.photo(width=16))
    save(stage, "Stuck", pages.photo(width=24))
    save(stage, "Refused", b"this is no picture")
    wait_for(lambda: {"stuck", "refused"} <= states(stage))
    stage.proxy.on(SESSION, proxy.refuse)
    save(stage, "Never tried", None)
    save(stage, "Never tried, with a photo", pages.photo(width=32))
    pages.sign_in(stage, "demo1")
    save(stage, "Of the first account", pages.photo(width=20))
    stage.open(NEUTRAL)
    return json.dumps(read_outbox(stage.driver), indent=1) + "\n"


def answer_by_title(through: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """A site that breaks at one post, and something on the way that finds another one too large."""
    if "Failed" in exchange.titles:
        client.sendall(answer(500, "", "text/html"))
    elif "Stuck" in exchange.titles:
        client.sendall(answer(413, "", "text/html"))
    else:
        proxy.forward(through, exchange, client)


def save(stage: Stage, title: str, photo: bytes | None) -> None:
    """Write a post, and wait until the attempt to send it is over."""
    file = None if photo is None else pages.photo_file(stage, photo)
    pages.write_post(stage, title, file=file)
    wait_for(lambda: any(["title", title] in entry["fields"] for entry in pages.entries(stage.driver)))
    button = "return document.querySelector('main form button[aria-busy]')"
    wait_for(lambda: stage.driver.execute_script(button) is None)


def states(stage: Stage) -> set[object]:
    """The states of what lies in the outbox."""
    return {entry["state"] for entry in pages.entries(stage.driver)}


def wait_for(condition: Callable[[], object]) -> None:
    """Wait for what a good release does."""
    wait_until(condition, "the outbox is as it is meant to be frozen")


def main() -> None:
    """Freeze this checkout's release into the file that the command line names."""
    with tempfile.TemporaryDirectory(prefix="offlinesync-freeze-") as directory:
        template = prepare(Path(directory))
        with staged(Chromium, Way.PROXIED, template=template, environment={}) as stage:
            Path(sys.argv[1]).write_text(freeze(stage))


if __name__ == "__main__":
    main()
