"""How a page is kept and shown: by the strategy that the site has given it."""

from __future__ import annotations

import re

import pytest

from . import keeping, pages, proxy
from .keeping import FIRST, KEPT, OFFLINE
from .matrix import CHROMIUM_FIRST, wide
from .stage import Stage
from .test_capture import NOT_SAVED
from .waiting import wait_until
from .wire import answer

SECOND = "The second version"
RANGE_SCRIPT = """
const [url, done] = arguments;
fetch(url, { headers: { Range: "bytes=0-9" } }).then(({ status }) => done(status), (error) => done(String(error)));
"""
STATIC_SCRIPT = "return document.querySelector('link[rel=stylesheet]').href"


@pytest.fixture
def environment() -> dict[str, str]:
    return keeping.settings(NETWORK_TIMEOUT=1)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_a_network_first_page_is_the_site_s_and_the_kept_one_after_the_time_limit(stage: Stage) -> None:
    keeping.begin(stage)
    keeping.visit(stage, "/kept/first/")
    before = keeping.facts(stage, "/kept/first/")["x-offlinesync-version"]
    keeping.write(stage, SECOND)
    stage.open("/kept/first/")
    assert keeping.shown(stage) == SECOND
    wait_until(lambda: keeping.facts(stage, "/kept/first/")["x-offlinesync-version"] != before, "it is kept anew")
    gate = proxy.Gate()
    stage.proxy.on("/kept/first/", gate.before_request)
    stage.open("/kept/first/")
    assert keeping.shown(stage) == SECOND, "the site has not answered"
    assert gate.held
    gate.open()


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_a_stale_page_is_shown_at_once_and_looked_for_behind_it(stage: Stage) -> None:
    keeping.begin(stage)
    keeping.visit(stage, "/kept/stale/")
    keeping.write(stage, SECOND)
    gate = proxy.Gate()
    stage.proxy.on("/kept/stale/", gate.before_request)
    stage.open("/kept/stale/")
    assert keeping.shown(stage) == FIRST, "the site has not answered"
    wait_until(lambda: gate.held, "it is looked for")
    gate.open()
    wait_until(lambda: pages.is_updated(stage.driver), "the page says so")
    stage.open("/kept/stale/")
    assert keeping.shown(stage) == SECOND


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_a_cache_first_page_is_not_asked_for_while_it_is_young(stage: Stage) -> None:
    keeping.begin(stage)
    keeping.visit(stage, "/kept/seldom/")
    keeping.write(stage, SECOND)
    stage.proxy.on("/kept/seldom/", proxy.refuse)
    stage.open("/kept/seldom/")
    assert keeping.shown(stage) == FIRST
    pages.wait_for_client(stage)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p8_what_is_not_to_be_kept_is_not(stage: Stage) -> None:
    never_kept = [f"/kept/{name}/" for name in ("never", "plain", "private", "streamed", "flash")]
    keeping.begin(stage)
    keeping.visit(stage, "/kept/first/")
    for path in never_kept:
        stage.open(path)
        pages.wait_for_title(stage.driver, KEPT)
    # Whoever is kept after them was looked at after them.
    keeping.visit(stage, "/kept/stale/")
    assert [path for path in never_kept if keeping.is_kept(stage, path)] == []
    keeping.go_offline(stage)
    for path in never_kept:
        stage.open(path)
        pages.wait_for_title(stage.driver, OFFLINE)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
@pytest.mark.parametrize("kind", ["of_another_deploy", "busy"])
def test_p9_a_page_is_not_kept_without_its_texts(stage: Stage, kind: str) -> None:
    """In a rolling deploy a server that is to be updated yet answers with its own, which nobody is to keep."""
    first, texts = "/kept/first/", "/offlinesync/texts.en.0123456789abcdef.html"
    keeping.begin(stage)
    stage.proxy.on(first, proxy.rewriting(lambda body: re.sub(rb"/offlinesync/texts[^\"]+", texts.encode(), body)))
    if kind == "busy":
        stage.proxy.on(texts, proxy.answering(lambda exchange: answer(503, "")))
    stage.open(first, until_client_runs=False)
    wait_until(lambda: len(stage.proxy.requests(texts)) > 1, "page and worker have asked for them")
    keeping.visit(stage, "/kept/one-of/1/")
    assert not keeping.is_kept(stage, first)
    assert not keeping.is_kept(stage, texts)
    stage.proxy.heal()
    keeping.visit(stage, first)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p9_a_request_for_a_part_goes_past_the_worker(stage: Stage) -> None:
    keeping.begin(stage)
    style = stage.driver.execute_script(STATIC_SCRIPT)
    assert keeping.is_kept(stage, style)
    before = len(stage.proxy.exchanges)
    assert stage.driver.execute_async_script(RANGE_SCRIPT, style) == 206
    (asked,) = [each for each in stage.proxy.exchanges[before:] if each.headers["Range"]]
    assert asked.headers["Range"] == "bytes=0-9"


@pytest.mark.parametrize("engine", ["chromium", wide("firefox")])
def test_a_page_is_asked_for_while_the_worker_wakes(stage: Stage) -> None:
    keeping.begin(stage)
    stage.open("/kept/plain/")
    (asked,) = stage.proxy.requests("/kept/plain/")
    assert asked.headers["Service-Worker-Navigation-Preload"] == "true"


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
@pytest.mark.parametrize("environment", [keeping.settings(CACHES={"pages": {"MAX_ENTRIES": 2}})])
def test_the_least_recently_used_page_goes_first(stage: Stage) -> None:
    keeping.begin(stage)
    first, second, third = (f"/kept/one-of/{number}/" for number in (1, 2, 3))
    keeping.visit(stage, first)
    keeping.visit(stage, second)
    # From the device, so that it is used, and not kept anew.
    stage.proxy.on(first, proxy.refuse)
    stage.open(first)
    wait_until(lambda: keeping.is_noted(stage, first), "its use is noted")
    keeping.visit(stage, third)
    wait_until(lambda: not keeping.is_kept(stage, second), "the second is gone")
    assert keeping.is_kept(stage, first)
    assert keeping.is_kept(stage, pages.FORM), "what the site names stays"


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
@pytest.mark.parametrize("environment", [keeping.settings(CACHES={"pages": {"MAX_AGE": 1}})])
def test_a_page_that_is_too_old_is_not_shown(stage: Stage) -> None:
    keeping.begin(stage)
    keeping.visit(stage, "/kept/first/")
    keeping.go_offline(stage)

    def is_gone() -> bool:
        stage.open("/kept/first/")
        return bool(stage.driver.title == OFFLINE)

    wait_until(is_gone, "it has become too old")
    stage.open(pages.FORM)
    pages.wait_for_title(stage.driver, "Write a post")


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_d3_a_form_on_a_kept_page_is_posted_with_today_s_token(stage: Stage) -> None:
    keeping.begin(stage)
    keeping.visit(stage, "/kept/seldom/")
    stage.proxy.on("/kept/seldom/", proxy.refuse)
    stage.driver.delete_all_cookies()
    stage.open("/kept/seldom/")
    token = stage.driver.execute_script("return document.querySelector('main [name=csrfmiddlewaretoken]').value")
    assert token == ""
    stage.driver.execute_script("document.querySelector('[name=words]').value = 'Typed'")
    stage.driver.execute_script("document.querySelector('[name=pressed]').click()")
    pages.wait_for_title(stage.driver, "Echo")
    assert "Typed, yes" in stage.driver.page_source


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p7_a_form_on_a_kept_page_that_cannot_be_posted_stays_filled(stage: Stage) -> None:
    keeping.begin(stage)
    keeping.visit(stage, "/kept/seldom/")
    keeping.go_offline(stage)
    stage.open("/kept/seldom/")
    stage.driver.execute_script("document.querySelector('[name=words]').value = 'Typed'")
    stage.driver.execute_script("document.querySelector('[name=pressed]').click()")
    pages.wait_for_status(stage.driver, NOT_SAVED)
    assert stage.driver.title == KEPT
    assert pages.typed(stage.driver, "words") == "Typed"
