"""A site that is switched off: nothing of the app stays in a browser but what waits, which is still taken (P2, P9)."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By

from . import pages, proxy
from .matrix import CHROMIUM_FIRST, ENGINES
from .pages import FORM, LIST, NEUTRAL
from .proxy import SUBMISSIONS
from .stage import Stage
from .waiting import wait_until
from .wire import WORKER

TITLE = "Written before it was switched off"
LEFT_SCRIPT = """
const [done] = arguments;
(async () => ({
  caches: await caches.keys(),
  workers: (await navigator.serviceWorker.getRegistrations()).map(({ scope }) => scope),
}))().then(done, (error) => done(String(error)));
"""
NOTHING = {"caches": ["another-app:pages"], "workers": []}
CACHES_HANG = """
CacheStorage.prototype.keys = () => new Promise(() => {});
"""
USE_SCRIPT = """
const [name, done] = arguments;
const urls = performance.getEntriesByType("resource").map(({ name }) => name);
(async () => {
  const { createShelf } = await import(urls.find((url) => url.includes("/offlinesync/shelf.")));
  const shelf = createShelf({ caches, clock: { wall: () => Date.now() }, name, limits: { maxEntries: 1, maxAge: 1 } });
  const page = location.href;
  const found = await shelf.get(page);
  await shelf.use([page]);
  await shelf.change(page, { strategy: "" });
  await shelf.trim();
  await shelf.remove(page);
  const made = await caches.has(name);
  await shelf.put(page, new Response("A page"), { kept: Date.now() });
  return { found: found ?? null, made, kept: await caches.has(name) };
})().then(done, (error) => done(String(error)));
"""
OTHERS_CACHE_SCRIPT = """
const [done] = arguments;
caches.open("another-app:pages").then(() => done(true), (error) => done(String(error)));
"""


def visit(stage: Stage) -> None:
    """A first visit: the demo's pages are kept, and there is a cache of somebody else's as well."""
    pages.keep_pages(stage)
    # The worker that sends by itself is another test's: here the pages have to do it.
    pages.deny_background_sync(stage)
    assert stage.driver.execute_async_script(OTHERS_CACHE_SCRIPT) is True


def switch(stage: Stage, *, on: bool) -> None:
    """Start the site, which is down, with the app switched on or off."""
    name = "demo_site.settings" if on else "tests.browser.switched_off"
    stage.site.environment = {**stage.site.environment, "DJANGO_SETTINGS_MODULE": name}
    stage.site.start()


def left(stage: Stage) -> dict[str, list[str]]:
    """The caches and workers that the browser has for the site."""
    return dict(stage.driver.execute_async_script(LEFT_SCRIPT))


def wait_until_gone(stage: Stage) -> None:
    """Wait until neither a worker nor a cache of ours is left."""
    wait_until(lambda: left(stage) == NOTHING, "our worker and its caches are gone")


def see_it_go(stage: Stage) -> None:
    """On a page of today's, wait until our worker is gone, and then on the next until there is nothing at all."""
    wait_until(lambda: left(stage)["workers"] == [], "our worker is gone")
    # For the page that was there at the time it went on, and has perhaps made its cache anew.
    stage.open(FORM)
    wait_until_gone(stage)


def save_while_away(stage: Stage, title: str = TITLE) -> None:
    """Stop the site, open the kept form and write a post."""
    stage.site.stop()
    pages.write_post(stage, title)
    pages.wait_for_status(stage.driver, pages.SAVED, "Waiting to be sent: 1")


def marked_forms(stage: Stage) -> int:
    """How many forms of this page are to work offline."""
    return len(stage.driver.find_elements(By.CSS_SELECTOR, "form[data-offlinesync-form]"))


@pytest.mark.wide
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p9_p2_switched_off_the_app_leaves_nothing_but_what_waits(stage: Stage) -> None:
    visit(stage)
    save_while_away(stage)
    stage.driver.get("about:blank")
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    switch(stage, on=False)

    stage.open(FORM)
    see_it_go(stage)
    assert pages.outbox(stage.driver)["entries"] == 1
    pages.wait_for_status(stage.driver, "Waiting to be sent: 1")
    stage.proxy.heal()
    stage.open(FORM)
    pages.wait_for_post(stage, TITLE)
    pages.wait_for_empty_outbox(stage)
    assert len(stage.site.ledger()) == 1

    # What is written from now on is posted as ever, and the site's own answer follows.
    assert marked_forms(stage) == 0
    deliveries = len(stage.proxy.deliveries)
    pages.fill(stage, "In a plain form")
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, "In a plain form")
    (posted,) = [exchange for exchange in stage.proxy.requests(FORM) if exchange.method == "POST"]
    assert posted.status == 302
    assert (len(stage.proxy.deliveries), len(stage.site.ledger())) == (deliveries, 1)
    assert left(stage) == NOTHING

    stage.site.stop()
    switch(stage, on=True)
    stage.open(LIST)
    pages.wait_for_worker(stage)
    save_while_away(stage, "Switched on again")
    stage.site.start()
    stage.open(LIST)
    pages.wait_for_post(stage, "Switched on again")


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p3_p9_a_page_from_before_it_was_switched_off_still_delivers(stage: Stage) -> None:
    visit(stage)
    save_while_away(stage)
    switch(stage, on=False)
    # Whatever it has been told before, this page is the one that was open all the time.
    stage.driver.execute_script("window.dispatchEvent(new Event('online'))")
    pages.wait_for_post(stage, TITLE)
    pages.wait_for_empty_outbox(stage)
    assert marked_forms(stage) == 1
    pages.fill(stage, "Another one from the old page")
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, "Another one from the old page")
    assert len(stage.site.ledger()) == 2
    # The page that it led to is one of today's.
    see_it_go(stage)


@pytest.mark.wide
@pytest.mark.parametrize("engine", ENGINES)
def test_p9_a_visitor_whose_page_comes_from_the_old_worker_is_rid_of_it_as_well(stage: Stage) -> None:
    """The network is too slow for the old worker, and the page it shows instead is one from before."""
    visit(stage)
    stage.site.stop()
    switch(stage, on=False)
    gate = proxy.Gate()
    stage.proxy.on(FORM, gate.before_request)
    stage.open(FORM)
    assert marked_forms(stage) == 1
    assert gate.held
    gate.open()
    # No page of today's helps.
    stage.open(NEUTRAL)
    wait_until_gone(stage)
    stage.open(FORM)
    assert marked_forms(stage) == 0


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p9_only_what_is_kept_makes_a_cache(stage: Stage) -> None:
    """A worker that is gone already may still be busy with the last page it has shown."""
    stage.open(LIST)
    done = stage.driver.execute_async_script(USE_SCRIPT, "made:by:nothing")
    assert done == {"found": None, "made": False, "kept": True}


def test_p9_a_page_that_came_past_the_worker_has_it_taken_away(stage: Stage) -> None:
    """As after Shift and reload: a browser that has not needed its worker does not look for a new one."""
    visit(stage)
    stage.driver.get("about:blank")
    stage.site.stop()
    switch(stage, on=False)
    stage.driver.execute_cdp_cmd("Network.enable", {})
    stage.driver.execute_cdp_cmd("Network.setBypassServiceWorker", {"bypass": True})
    stage.open(LIST)
    wait_until_gone(stage)


@pytest.mark.wide
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p9_caches_that_do_not_answer_keep_neither_the_worker_nor_the_pages(stage: Stage) -> None:
    visit(stage)
    stage.site.stop()
    stage.proxy.on(WORKER, proxy.rewriting(lambda body: CACHES_HANG.encode() + body))
    switch(stage, on=False)
    stage.open(NEUTRAL)
    wait_until(lambda: left(stage)["workers"] == [], "our worker is gone")
    stage.open(FORM)
    assert marked_forms(stage) == 0


@pytest.mark.wide
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p2_what_was_refused_can_be_read_and_discarded_where_the_app_is_switched_off(stage: Stage) -> None:
    visit(stage)
    stage.open(FORM)
    stage.driver.execute_script("document.querySelector('[name=title]').removeAttribute('maxlength')")
    pages.fill(stage, TITLE + "." * 300)
    pages.submit(stage)
    wait_until(lambda: pages.errors(stage.driver), "the refusal is in the form")
    stage.site.stop()
    switch(stage, on=False)

    stage.open(LIST)
    wait_until(lambda: stage.driver.find_elements(By.LINK_TEXT, "See what is wrong"), "it needs attention")
    stage.driver.find_element(By.LINK_TEXT, "See what is wrong").click()
    pages.wait_for_title(stage.driver, "Write a post")
    told = "It cannot be put back into its form any more. What you wrote is below: you can copy it from there."
    wait_until(lambda: told in pages.status(stage.driver), "the page says what can be done")
    assert TITLE in stage.driver.find_element(By.CSS_SELECTOR, "[data-offlinesync-words]").text
    assert pages.typed(stage.driver, "title") == "", "it is in one place only"
    pages.press_in_list(stage, ".offlinesync-discard summary")
    pages.press_in_list(stage, "[data-offlinesync-action=discard]")
    pages.wait_for_empty_outbox(stage)
    assert stage.site.ledger() == []
