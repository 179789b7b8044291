"""What the tests of kept pages do, and what they look at."""

from __future__ import annotations

import json

from selenium.webdriver.common.by import By

from . import pages, proxy
from .stage import Stage
from .waiting import wait_until

OFFLINE = "Offline"
KEPT = "Kept"
FIRST = "The first version"
IS_KEPT_SCRIPT = """
const [path, done] = arguments;
caches.match(path, { ignoreVary: true }).then((found) => done(Boolean(found)), (error) => done(String(error)));
"""
FACTS_SCRIPT = """
const [path, done] = arguments;
caches.match(path, { ignoreVary: true }).then(
  (found) => done(found && Object.fromEntries(found.headers)),
  (error) => done(String(error)),
);
"""
IS_NOTED_SCRIPT = """
const [path, done] = arguments;
(async () => {
  const notes = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).match("https://uses.invalid/")));
  const uses = await Promise.all(notes.filter(Boolean).map((note) => note.json()));
  return uses.some((times) => new URL(path, location).href in times);
})().then(done, (error) => done(String(error)));
"""


def settings(**offlinesync: object) -> dict[str, str]:
    """The environment of a site with the pages of `kept_pages`, and these values in `OFFLINESYNC`."""
    return {"DJANGO_SETTINGS_MODULE": "tests.browser.kept_site", "DEMO_OFFLINESYNC": json.dumps(offlinesync)}


def write(stage: Stage, text: str) -> None:
    """Have the site's pages say something else from now on."""
    (stage.site.data / "kept.txt").write_text(text)


def shown(stage: Stage) -> str:
    """What the page on the screen says."""
    return " ".join(heading.text for heading in stage.driver.find_elements(By.TAG_NAME, "h1"))


def is_kept(stage: Stage, path: str) -> bool:
    """Whether a page lies in a cache of this origin."""
    return stage.driver.execute_async_script(IS_KEPT_SCRIPT, path) is True


def wait_until_kept(stage: Stage, path: str) -> None:
    """Wait until a page lies in a cache."""
    wait_until(lambda: is_kept(stage, path), f"{path} is kept")


def facts(stage: Stage, path: str) -> dict[str, str]:
    """The headers that a page is kept with."""
    return dict(stage.driver.execute_async_script(FACTS_SCRIPT, path))


def is_noted(stage: Stage, path: str) -> bool:
    """Whether it has been noted when a kept page was shown."""
    return stage.driver.execute_async_script(IS_NOTED_SCRIPT, path) is True


def kept_at(stage: Stage, path: str) -> int:
    """When the browser asked for what is kept of a page, in milliseconds since 1970."""
    return int(facts(stage, path)["x-offlinesync-kept"])


def visit(stage: Stage, path: str) -> None:
    """See a page while the site is there, until it is kept."""
    stage.open(path)
    wait_until_kept(stage, path)


def begin(stage: Stage) -> None:
    """A first visit, until the worker serves the site's pages."""
    pages.keep_pages(stage)


def go_offline(stage: Stage) -> None:
    """From now on the site cannot be reached."""
    stage.proxy.on(None, proxy.refuse)
