"""The visits of one visitor, in their order, and what the browser says of each."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By

from tests.browser import pages
from tests.browser.engines import Chromium
from tests.browser.network import Namespace
from tests.browser.pages import FORM, LIST
from tests.browser.site import Site
from tests.browser.stage import Stage

from .link import Link

Figures = dict[str, float]

SIDES = {"with": {}, "without": {"DJANGO_SETTINGS_MODULE": "benchmarks.without"}}
OURS = ("/offlinesync/", "/static/offlinesync/")
# The page of each path is known by its title and by something that stands in it alone.
TITLES = {LIST: ("Posts", ".feed article"), FORM: ("Write a post", "main form [name=title]")}
# What a browser does when it has just been started is no part of a visit.
START_SECONDS = 1

# A larger thing may still be painted after the load: the last one is it when there has been none for a while.
FIGURES_SCRIPT = """
const [quiet, done] = arguments;
const figures = { origin: performance.timeOrigin };
let timer;
const later = () => { clearTimeout(timer); timer = setTimeout(() => done(finished()), quiet); };
const finished = () => ({ ...figures, dcl: performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd });
new PerformanceObserver((list) => {
  for (const { name, startTime } of list.getEntries()) if (name === "first-contentful-paint") figures.fcp = startTime;
  later();
}).observe({ type: "paint", buffered: true });
new PerformanceObserver((list) => {
  figures.lcp = list.getEntries().at(-1).startTime;
  later();
}).observe({ type: "largest-contentful-paint", buffered: true });
later();
"""
QUIET_MS = 1000
CONTROLLED_SCRIPT = "return Boolean(navigator.serviceWorker.controller)"


class Broken(Exception):
    """A visit that did not show what it was to show: its figures mean nothing."""


class Side:
    """The demo with the app or without it, behind a slow link of its own."""

    def __init__(self, name: str, site: Site, link: Link, namespace: Namespace) -> None:
        self.name = name
        self.site = site
        self.link = link
        self.namespace = namespace

    def visitor(self) -> dict[str, Figures]:
        """All visits of somebody who comes for the first time, and what each came to."""
        with tempfile.TemporaryDirectory(prefix="offlinesync-visitor-") as directory, self.namespace.entered():
            browser = Chromium(Path(directory), arguments=self.link.arguments)
            found = {"first": self.first_visit(browser)}
            found["list"] = self.next_visit(browser, LIST)
            found["form"] = self.next_visit(browser, FORM)
            self.site.stop()
            visit = self.next_visit if self.name == "with" else self.visit_in_vain
            found["list_down"] = visit(browser, LIST)
            found["form_down"] = visit(browser, FORM)
            self.site.start()
            return found

    def first_visit(self, browser: Chromium) -> Figures:
        """The list; with the app, the visitor stays until the pages are kept."""
        with self.opened(browser) as stage:
            figures = self.visit(stage, LIST)
            if self.name == "with":
                pages.wait_for_worker(stage)
            return figures

    def next_visit(self, browser: Chromium, path: str) -> Figures:
        """A page, in the browser that has been closed since."""
        with self.opened(browser) as stage:
            figures = self.visit(stage, path)
            if stage.driver.execute_script(CONTROLLED_SCRIPT) is not (self.name == "with"):
                raise Broken(f"{path} {self.name} the app: the page came from a worker, or not, as it should not have")
            return figures

    def visit_in_vain(self, browser: Chromium, path: str) -> Figures:
        """No page, and so no figures: the browser says that it cannot reach the site."""
        with self.opened(browser) as stage:
            try:
                stage.driver.get(self.link.url + path)
            except WebDriverException as error:
                if "ERR_SOCKS_CONNECTION_FAILED" in str(error.msg):
                    return {}
                raise
            raise Broken(f"{path} {self.name} the app: {stage.driver.title!r} has opened with the server down")

    @contextmanager
    def opened(self, browser: Chromium) -> Iterator[Stage]:
        """The visitor's browser, from its start to its orderly end, which writes its HTTP cache down."""
        with ExitStack() as stack:
            stack.callback(browser.stop)
            browser.start()
            time.sleep(START_SECONDS)
            yield Stage(browser, self.site, self.link.url, None, None)

    def visit(self, stage: Stage, path: str) -> Figures:
        """Open a page and read its figures: times in ms since the navigation, and bytes."""
        self.link.arrivals.clear()
        stage.driver.get(self.link.url + path)
        said = stage.driver.execute_async_script(FIGURES_SCRIPT, QUIET_MS)
        title, selector = TITLES[path]
        if stage.driver.title != title or not stage.driver.find_elements(By.CSS_SELECTOR, selector):
            raise Broken(f"{path} {self.name} the app: the page is {stage.driver.title!r} where {title!r} belongs")
        if "fcp" not in said or "lcp" not in said:
            raise Broken(f"{path} {self.name} the app: the browser reports no paint")
        painted = (said["origin"] + said["fcp"]) / 1000
        if self.name == "without" and self.link.bytes_before(float("inf"), OURS):
            raise Broken(f"{path} without the app asks for files of the app")
        return {
            **{name: round(said[name]) for name in ("fcp", "lcp", "dcl")},
            "ours": self.link.bytes_before(painted, OURS),
            "page": self.link.bytes_of(path),
        }


@contextmanager
def sides(template: Path, namespace: Namespace) -> Iterator[list[Side]]:
    """Both sites running, each with its link; nothing is left of them afterwards."""
    with ExitStack() as stack:
        found = []
        for name, environment in SIDES.items():
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"offlinesync-{name}-")))
            site = Site(directory, namespace, template=template, **environment)
            stack.callback(site.kill)
            site.start()
            link = Link(namespace, site.port)
            stack.callback(link.close)
            found.append(Side(name, site, link, namespace))
        yield found
