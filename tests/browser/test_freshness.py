"""Kept pages stay fresh: the server says what has changed, and who looks at a page hears of it."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By

from . import keeping, pages
from .keeping import FIRST
from .matrix import CHROMIUM_FIRST, wide
from .stage import Stage, Way
from .waiting import wait_until

SECOND = "The second version"
STALE = "/kept/stale/"
LISTEN_SCRIPT = """
window.updates = [];
document.addEventListener("offlinesync:updated", (event) => {
  window.updates.push(event.detail.version);
  if (arguments[0]) event.preventDefault();
});
"""
LOOKED_AT_SCRIPT = "return window.updates.length"
AGE_SCRIPT = """
const place = document.querySelector("[data-offlinesync-age]");
return [place.checkVisibility?.() ?? !place.hidden, place.innerText, place.querySelector("time").dateTime,
  document.documentElement.dataset.offlinesyncKept ?? null];
"""


@pytest.fixture
def environment() -> dict[str, str]:
    return keeping.settings(REFRESH_AFTER=1)


def version(stage: Stage, path: str) -> str:
    return keeping.facts(stage, path)["x-offlinesync-version"]


def wait_until_newer(stage: Stage, path: str, before: str) -> None:
    wait_until(lambda: version(stage, path) != before, f"{path} is kept anew")


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_a_page_that_is_shown_from_the_device_says_how_old_it_is(stage: Stage) -> None:
    keeping.begin(stage)
    keeping.visit(stage, STALE)
    pages.wait_for_client(stage)
    visible, _, _, mark = stage.driver.execute_script(AGE_SCRIPT)
    assert (visible, mark) == (False, None), "it has come from the site"
    keeping.go_offline(stage)
    stage.open(STALE)
    wait_until(lambda: stage.driver.execute_script(AGE_SCRIPT)[0], "its age is shown")
    _, said, since, mark = stage.driver.execute_script(AGE_SCRIPT)
    assert said.startswith("Shown from this device, as it was on ")
    assert since == mark
    assert len(said) > len("Shown from this device, as it was on ")


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_who_is_typing_is_told_of_a_newer_page_and_keeps_what_is_typed(stage: Stage) -> None:
    keeping.begin(stage)
    keeping.visit(stage, STALE)
    gate = hold(stage)
    stage.open(STALE)
    stage.driver.find_element(By.NAME, "words").send_keys("Half a sen")
    keeping.write(stage, SECOND)
    gate.open()
    wait_until(lambda: pages.is_updated(stage.driver), "the page says so")
    stage.driver.find_element(By.NAME, "words").send_keys("tence")
    assert pages.typed(stage.driver, "words") == "Half a sentence"
    assert keeping.shown(stage) == FIRST
    stage.driver.find_element(By.CSS_SELECTOR, ".offlinesync-updated a").click()
    wait_until(lambda: keeping.shown(stage) == SECOND, "the newer page is shown")


def hold(stage: Stage) -> keeping.proxy.Gate:
    """Hold what is asked of the stale page."""
    gate = keeping.proxy.Gate()
    stage.proxy.on(STALE, gate.before_request)
    return gate


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_a_site_may_say_it_in_its_own_way(stage: Stage) -> None:
    keeping.begin(stage)
    keeping.visit(stage, STALE)
    gate = hold(stage)
    stage.open(STALE)
    stage.driver.execute_script(LISTEN_SCRIPT, True)
    keeping.write(stage, SECOND)
    gate.open()
    wait_until(lambda: stage.driver.execute_script(LOOKED_AT_SCRIPT), "the page has heard of it")
    assert stage.driver.execute_script("return window.updates[0]") == version(stage, STALE)
    assert not pages.is_updated(stage.driver)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_token_and_nonce_make_no_other_version(stage: Stage) -> None:
    keeping.begin(stage)
    keeping.visit(stage, STALE)
    before, kept = version(stage, STALE), keeping.kept_at(stage, STALE)
    gate = hold(stage)
    stage.open(STALE)
    stage.driver.execute_script(LISTEN_SCRIPT, False)
    gate.open()
    wait_until(lambda: keeping.kept_at(stage, STALE) > kept, "it is kept anew")
    assert version(stage, STALE) == before
    # What comes after it comes: a message about this page would have come before.
    keeping.write(stage, SECOND)
    stage.driver.execute_script("dispatchEvent(new Event('online'))")
    wait_until(lambda: stage.driver.execute_script(LOOKED_AT_SCRIPT), "the page has heard of the second version")
    assert stage.driver.execute_script(LOOKED_AT_SCRIPT) == 1


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
@pytest.mark.parametrize(("name", "header"), [("tagged", "If-None-Match"), ("dated", "If-Modified-Since")])
def test_what_has_not_changed_is_not_sent_again(stage: Stage, name: str, header: str) -> None:
    path = f"/kept/{name}/"
    keeping.begin(stage)
    keeping.write(stage, FIRST)
    keeping.visit(stage, path)
    before, kept = version(stage, path), keeping.kept_at(stage, path)
    keeping.go_offline(stage)
    stage.open(path)
    stage.proxy.heal()
    stage.driver.execute_script("dispatchEvent(new Event('online'))")
    wait_until(lambda: [each for each in stage.proxy.requests(path) if each.status == 304], "it has not changed")
    confirmed = [each for each in stage.proxy.requests(path) if each.status == 304]
    assert all(each.headers[header] for each in confirmed)
    wait_until(lambda: keeping.kept_at(stage, path) > kept, "it is as new")
    assert version(stage, path) == before


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_opening_a_page_refreshes_those_that_the_site_names(stage: Stage) -> None:
    keeping.begin(stage)
    before = keeping.kept_at(stage, pages.FORM)

    def is_refreshed() -> bool:
        stage.open("/kept/plain/")
        return keeping.kept_at(stage, pages.FORM) > before

    wait_until(is_refreshed, "the form is kept anew")


@pytest.mark.parametrize("engine", ["chromium", wide("webkitgtk")])
@pytest.mark.parametrize("way", [Way.CABLE])
def test_a_network_that_is_back_refreshes_the_page_that_is_open(stage: Stage) -> None:
    keeping.begin(stage)
    keeping.visit(stage, STALE)
    before = version(stage, STALE)
    stage.network.pull()
    wait_until(lambda: not pages.is_online(stage.driver), "the browser notices that the link is down")
    stage.open(STALE)
    assert keeping.shown(stage) == FIRST
    keeping.write(stage, SECOND)
    stage.network.plug_in()
    wait_until(lambda: pages.is_updated(stage.driver), "the page says so")
    wait_until_newer(stage, STALE, before)


def test_the_browser_refreshes_named_pages_with_none_of_them_open(stage: Stage) -> None:
    keeping.begin(stage)
    # Runs no script of ours.
    stage.open(pages.NEUTRAL)
    kept = keeping.kept_at(stage, pages.FORM)
    wait_until(lambda: now(stage) > kept + 1000, "it is old enough")
    stage.driver.execute_cdp_cmd("ServiceWorker.enable", {})
    # The first registration of a fresh profile has the number 0.
    event = {"origin": stage.url, "registrationId": "0", "tag": "offlinesync:/offlinesync/:refresh"}
    stage.driver.execute_cdp_cmd("ServiceWorker.dispatchPeriodicSyncEvent", event)
    wait_until(lambda: keeping.kept_at(stage, pages.FORM) > kept, "the form is kept anew")


def now(stage: Stage) -> int:
    """The browser's clock, in milliseconds."""
    return int(stage.driver.execute_script("return Date.now()"))
