"""The two that are compared, each with its site: how a post is saved, and where it can be counted."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from selenium.webdriver.common.by import By

from tests.browser import pages
from tests.browser.engines import Chromium
from tests.browser.proxy import SUBMISSIONS
from tests.browser.site import Site
from tests.browser.stage import Stage, Way, staged
from tests.browser.test_delivery import background_sync
from tests.browser.waiting import wait_until
from tests.browser.wire import Exchange

from .site import POSTS

# Three attempts as ever, at once and after so many seconds: nobody waits for Chromium's five minutes and fifteen.
SOON = background_sync(initial_retry_delay_sec=6, retry_delay_factor=3)

TAGS_SCRIPT = """
const [prefix, done] = arguments;
navigator.serviceWorker.ready
  .then(({ sync }) => sync.getTags())
  .then((tags) => done(tags.filter((tag) => tag.startsWith(prefix))));
"""
CONTROLLED = "return Boolean(navigator.serviceWorker.controller)"


class Contender(Protocol):
    """What an experiment needs of either."""

    name: str
    path: str

    def visit(self, stage: Stage) -> None:
        """A first visit, online, until the worker is at work."""

    def open_form(self, stage: Stage) -> None:
        """Open the page to write on."""

    def save(self, stage: Stage, title: str) -> None:
        """Write a post on the page that is open, and press the button."""

    def wait_for_saved(self, stage: Stage, title: str) -> None:
        """Wait until the person is told that it is saved."""

    def waiting(self, stage: Stage) -> list[str]:
        """The titles that lie on the device, to be sent."""

    def settled(self, stage: Stage) -> bool:
        """Whether nothing more will happen by itself."""

    def settled_for(self, stage: Stage, *, foreign: list[str]) -> bool:
        """The same while somebody else is signed in than who wrote the foreign posts."""

    def authors(self, stage: Stage, title: str) -> list[str]:
        """Under whose names the site's database has the post: a name for each time it is there."""

    def carries(self, exchange: Exchange, title: str) -> bool:
        """Whether the request carries the post."""


class App:
    """Our app on its demo site."""

    name = "django-offlinesync"
    path = SUBMISSIONS

    def visit(self, stage: Stage) -> None:
        pages.keep_pages(stage)

    def open_form(self, stage: Stage) -> None:
        stage.open(pages.FORM)

    def save(self, stage: Stage, title: str) -> None:
        pages.fill(stage, title)
        pages.submit(stage)

    def wait_for_saved(self, stage: Stage, title: str) -> None:
        wait_until(lambda: pages.SAVED_SYNC in pages.status(stage.driver), f"{title!r} is said to be saved")
        wait_until(lambda: title in self.waiting(stage), f"{title!r} lies in the outbox")

    def waiting(self, stage: Stage) -> list[str]:
        return [str(dict(entry["fields"])["title"]) for entry in pages.entries(stage.driver)]

    def settled(self, stage: Stage) -> bool:
        return pages.outbox(stage.driver) == {"entries": 0, "files": 0}

    def settled_for(self, stage: Stage, *, foreign: list[str]) -> bool:
        return set(self.waiting(stage)) <= set(foreign)

    def authors(self, stage: Stage, title: str) -> list[str]:
        database = stage.site.data / "db.sqlite3"
        posts = first_column(database, "SELECT title FROM posts_post WHERE title = ?", title)
        # A post of the demo has no author: its owner stands in the ledger, under the id that it was sent with.
        sent = {entry for exchange in stage.proxy.requests(SUBMISSIONS) for entry in ids(exchange, title)}
        owners = [row["owner"] for row in stage.site.ledger() if UUID(row["submission_id"]) in sent]
        assert len(posts) == len(owners), f"{title!r}: {len(posts)} posts, but {len(owners)} rows in the ledger"
        users = "SELECT username FROM auth_user WHERE id = ?"
        return [name for owner in owners for name in first_column(database, users, owner) or [""]]

    def carries(self, exchange: Exchange, title: str) -> bool:
        return title in exchange.titles


class WorkboxSite(Site):
    """The site that Workbox is tried on."""

    def __init__(self, directory: Path, *given: Any, **more: Any) -> None:
        super().__init__(directory, *given, **more)
        self.data.mkdir()

    @property
    def command(self) -> list[str]:
        database = str(self.data / "db.sqlite3")
        return [sys.executable, "-m", "tests.peers.site", str(self.port), database, self.environment["WORKER"]]


class Workbox:
    """Workbox's background sync."""

    name = "Workbox"
    path = POSTS
    worker = "worker.js"

    def visit(self, stage: Stage) -> None:
        stage.open(pages.LIST)
        wait_until(lambda: stage.driver.execute_script(CONTROLLED), "the worker controls the page")

    def open_form(self, stage: Stage) -> None:
        self.visit(stage)

    def save(self, stage: Stage, title: str) -> None:
        control = stage.driver.find_element(By.NAME, "title")
        control.clear()
        control.send_keys(title)
        pages.submit(stage)

    def wait_for_saved(self, stage: Stage, title: str) -> None:
        status = stage.driver.find_element(By.CSS_SELECTOR, "[role=status]")
        wait_until(lambda: status.text == f"Queued: {title}", f"{title!r} is queued")

    def waiting(self, stage: Stage) -> list[str]:
        found = stage.driver.execute_async_script(QUEUE_SCRIPT)
        return [str(title) for title in found]

    def settled(self, stage: Stage) -> bool:
        # A sync that is being handled counts among them.
        return not stage.driver.execute_async_script(TAGS_SCRIPT, "workbox-background-sync:")

    def settled_for(self, stage: Stage, *, foreign: list[str]) -> bool:
        return self.settled(stage)

    def authors(self, stage: Stage, title: str) -> list[str]:
        return first_column(stage.site.data / "db.sqlite3", "SELECT author FROM post WHERE title = ?", title)

    def carries(self, exchange: Exchange, title: str) -> bool:
        return exchange.method == "POST" and title.encode() in exchange.body


class AskedWorkbox(Workbox):
    """Workbox's queue, when its pages ask for a replay too."""

    worker = "worker_asked.js"


QUEUE_SCRIPT = """
const [done] = arguments;
const request = indexedDB.open("workbox-background-sync");
request.onupgradeneeded = () => request.transaction.abort();
request.onerror = () => done([]);
request.onsuccess = () => {
  const reading = request.result.transaction("requests").objectStore("requests").getAll();
  reading.onsuccess = () => {
    request.result.close();
    const bodies = reading.result.map(({ requestData }) => new TextDecoder().decode(requestData.body));
    done(bodies.map((body) => JSON.parse(body).title));
  };
};
"""


def first_column(database: Path, query: str, value: str) -> list[str]:
    """The first column of what a query finds for a value."""
    with closing(sqlite3.connect(database, timeout=20)) as connection:
        return [str(row[0]) for row in connection.execute(query, [value])]


def ids(exchange: Exchange, title: str) -> list[UUID]:
    """The ids under which a request carries a post."""
    return [UUID(entry) for entry, sent in zip(exchange.ids, exchange.titles, strict=True) if sent == title]


@contextmanager
def opened(contender: Contender, template: Path) -> Iterator[Stage]:
    """A Chromium of its own before the contender's site, with a cable between them."""
    theirs = isinstance(contender, Workbox)
    with staged(
        lambda directory: Chromium(directory, arguments=SOON),
        Way.CABLE,
        template=None if theirs else template,
        environment={"WORKER": contender.worker} if theirs else {},
        make_site=WorkboxSite if theirs else Site,
    ) as stage:
        contender.visit(stage)
        assert pages.is_online(stage.driver), "the browser must believe in its network first"
        yield stage
