"""A worker in which everything fails: the site works as if it weren't there (P9)."""

from __future__ import annotations

from contextlib import suppress

import pytest
from selenium.common.exceptions import WebDriverException

from . import pages, proxy
from .matrix import CHROMIUM_FIRST, wide
from .pages import FORM, LIST, NEUTRAL
from .proxy import SESSION
from .stage import Stage
from .waiting import wait_until
from .wire import WORKER

# Whatever the worker listens to, but for its installation: without that there would be no worker.
THROWS = """
{
  const listen = self.addEventListener.bind(self);
  const fail = () => { throw new Error("This handler fails."); };
  self.addEventListener = (type, listener) => listen(type, type === "install" ? listener : fail);
}
"""
REJECTION = 'Promise.reject(new DOMException("The caches fail.", "UnknownError"))'
CACHES_FAIL = f"""
for (const {{ prototype }} of [CacheStorage, Cache]) {{
  for (const name of Object.getOwnPropertyNames(prototype)) {{
    const method = prototype[name];
    if (name === "constructor") continue;
    prototype[name] = function (...args) {{
      if (!self.registration.active) return method.apply(this, args);
      return {REJECTION};
    }};
  }}
}}
"""
CACHES_HANG = CACHES_FAIL.replace(REJECTION, "new Promise(() => {})")
# One look takes three of their answers: longer than the worker waits for it while there is a network.
CACHES_ARE_SLOW = CACHES_FAIL.replace(
    REJECTION, "new Promise((resolve) => setTimeout(resolve, 700)).then(() => method.apply(this, args))"
)
FAILURES = {"throws": THROWS, "caches_fail": CACHES_FAIL, "caches_hang": CACHES_HANG}

# Each page with what names it; the one of the administration is where its first page leads to.
PAGES = {
    LIST: "Posts",
    FORM: "Write a post",
    "/posts/1/": "",
    "/accounts/login/": "Sign in",
    "/accounts/logout/": "Sign out",
    "/offlinesync/offline/": "Offline",
    "/no-such-page/": "Not found",
    "/admin/": "Log in | Django site admin",
}
FILES_SCRIPT = """
const sheets = [...document.styleSheets].map(({ href, cssRules }) => [href, cssRules.length > 0]);
const images = [...document.images].map(({ src, complete, naturalWidth }) => [src, complete && naturalWidth > 0]);
return { sheets: sheets.length, lacking: [...sheets, ...images].filter(([, there]) => !there).map(([name]) => name) };
"""
# Firefox draws its own where no script can read it.
OWN_ERROR_SCRIPT = """
if (document.documentURI.startsWith("about:neterror")) return true;
return document.body.innerText.trim() !== "" && !document.querySelector("meta[name=offlinesync-owner]");
"""
IS_ACTIVE_SCRIPT = """
const [done] = arguments;
navigator.serviceWorker.getRegistration().then((found) => done(found?.active?.state === "activated"));
"""
IS_TOLD_SCRIPT = """
const [name, done] = arguments;
const request = indexedDB.open(name);
request.onsuccess = () => {
  const reading = request.result.transaction("state").objectStore("state").get("owner");
  reading.onsuccess = () => { request.result.close(); done(reading.result.leaving === null); };
};
"""
IS_SERVED = "return Boolean(navigator.serviceWorker.controller)"


@pytest.fixture(params=["throws", wide("caches_fail"), wide("caches_hang")])
def failing(request: pytest.FixtureRequest, stage: Stage) -> Stage:
    """A browser whose pages are in the hands of a worker that fails."""
    begin_with(stage, FAILURES[request.param])
    return stage


def begin_with(stage: Stage, prelude: str) -> None:
    """Put the site's pages in the hands of a worker that begins with this script."""
    stage.proxy.on(WORKER, proxy.rewriting(lambda body: prelude.encode() + body))

    stage.open(LIST)
    wait_until(lambda: stage.driver.execute_async_script(IS_ACTIVE_SCRIPT) is True, "the worker is installed")
    # It has not taken over the page that was there before it.
    pages.reload(stage)
    assert stage.driver.execute_script(IS_SERVED), "the worker that fails has the site's pages"


def open_whole(stage: Stage, path: str) -> None:
    """Open a page, and make sure that its style and its pictures come with it."""
    stage.open(path)

    def lacking() -> list[str]:
        found = stage.driver.execute_script(FILES_SCRIPT)
        assert found["sheets"], f"{path} has a style sheet"
        return list(found["lacking"])

    wait_until(lambda: lacking() == [], f"everything that {path} is drawn with is there")


def wait_for_the_browsers_own_error(stage: Stage, path: str) -> None:
    """Open a page, and wait until the browser says by itself that it can't be reached."""
    stage.driver.get("about:blank")
    # Some drivers hold it for an error, and some for a page like any other.
    with suppress(WebDriverException):
        stage.open(path)
    wait_until(lambda: stage.driver.execute_script(OWN_ERROR_SCRIPT), f"the browser's own page stands for {path}")


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p9_p3_the_site_works_as_if_a_worker_that_fails_were_not_there(failing: Stage) -> None:
    stage = failing
    for path, title in PAGES.items():
        open_whole(stage, path)
        assert stage.driver.execute_script(IS_SERVED), f"the worker has {path}"
        assert stage.driver.title.startswith(title), path
    stage.open(NEUTRAL)
    assert '"results"' in stage.driver.page_source

    pages.write_post(stage, "Past the worker")
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, "Past the worker")
    pages.sign_in(stage, "demo1")
    pages.write_post(stage, "Signed in, past the worker")
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, "Signed in, past the worker")
    pages.sign_out(stage)

    # No worker asks, so the page does; until it has heard, it says that the site is still to be told.
    wait_until(lambda: stage.driver.execute_async_script(IS_TOLD_SCRIPT, pages.OUTBOX), "the site is known to be told")

    # What the site does not get is saved all the same, and goes out from the next page.
    stage.proxy.on(SESSION, proxy.refuse)
    pages.save_unsent(stage, "Without a worker to send it")
    # Not healed: a browser that gets the real worker now goes on with that one.
    stage.proxy.on(SESSION, proxy.forward)
    stage.open(LIST)
    pages.wait_for_post(stage, "Without a worker to send it")
    pages.wait_for_empty_outbox(stage)
    assert [row["owner"] for row in stage.site.ledger()] == ["", stage.site.user_id("demo1"), ""]

    stage.proxy.on(None, proxy.refuse)
    for path in (LIST, FORM, "/posts/1/"):
        wait_for_the_browsers_own_error(stage, path)
    stage.proxy.on(None, proxy.forward)
    open_whole(stage, FORM)


@pytest.mark.parametrize("engine", [wide("chromium"), wide("firefox"), wide("webkitgtk")])
def test_p1_p9_a_slow_cache_is_waited_for_where_there_is_no_network(stage: Stage) -> None:
    begin_with(stage, CACHES_ARE_SLOW)
    stage.proxy.on(None, proxy.refuse)
    open_whole(stage, FORM)
    assert stage.driver.title.startswith("Write a post")
    pages.write_post(stage, "From a slow cache")
    pages.wait_for_saved(stage, waiting=1)
    stage.proxy.on(None, proxy.forward)
    pages.wait_for_post(stage, "From a slow cache")
