"""The entry, which loads the rest of the client when the page is there, and what a page is without it (P7, P9)."""

from __future__ import annotations

import gzip
import re
import socket
import time

import pytest
from selenium.webdriver.common.by import By

from offlinesync.scripts import CLIENT_MODULES, ENTRY_MODULE

from . import pages, proxy
from .matrix import CHROMIUM_FIRST
from .pages import FORM, LIST, NEUTRAL
from .proxy import SUBMISSIONS, Behaviour, Exchange, Proxy
from .stage import Stage
from .waiting import wait_until

ENTRY = f"/static/offlinesync/{ENTRY_MODULE}."
STYLES = "/static/demo/site."
PICTURE = "/static/demo/icon-192."
# The last one is the style sheet.
CLIENT = re.compile(rf"/offlinesync/(client|texts|{'|'.join(CLIENT_MODULES)}|offlinesync)\.")
TITLE = "Before the client"
# The page seems not to have been painted until the test says so.
HOLD_PAINT = "window.requestAnimationFrame = (callback) => { window.paint = callback; };"
IS_HELD = "return window.paint !== undefined"
PAINT = "window.paint();"
NAMES_NOBODY = "return document.body !== null && !document.body.innerText.includes('demo1')"
# Presses the button before the client runs and after it, and says on the wire when nothing more comes of it.
PRESS_TWICE = """
const button = document.querySelector("main form button[type=submit]");
const pressAgain = () => {
  if (performance.getEntriesByName("offlinesync:start").length === 0) return setTimeout(pressAgain, 50);
  button.click();
  return fetch("/api/posts/?search=pressed-twice");
};
setTimeout(() => { button.click(); setTimeout(() => { window.paint(); pressAgain(); }); });
"""
# Long enough for an entry that waits for nothing to have asked.
SECONDS = 0.5


def after_entry(asked: list[list[str]]) -> Behaviour:
    """Let a file come when the entry has long been there; what had been asked for of the client by then."""

    def behaviour(through: Proxy, exchange: Exchange, client: socket.socket) -> None:
        wait_until(lambda: [each for each in answered(through) if each.startswith(ENTRY)], "the entry is there")
        time.sleep(SECONDS)
        asked.append(asked_of_client(through))
        proxy.forward(through, exchange, client)

    return behaviour


def after_client(through: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """Let a file come when the client has been asked for, and not before."""
    wait_until(lambda: asked_of_client(through), "the client is asked for")
    proxy.forward(through, exchange, client)


def without_limit(script: bytes) -> bytes:
    """The entry with a load that may take as long as it will."""
    return gzip.compress(re.sub(rb"(?<=LONGEST_LOAD = )\d+", b"1e9", gzip.decompress(script)))


def answered(through: Proxy) -> list[str]:
    """What has been asked for and has come."""
    return [exchange.path for exchange in through.exchanges if exchange.status]


def named(stage: Stage, beginning: str, path: str = FORM) -> str:
    """The URL, by its beginning, of a file that a page names."""
    found, *_ = re.findall(rf'(?:href|src)="({re.escape(beginning)}[^"]+)"', stage.site.get(path).body.decode())
    return str(found)


def asked_of_client(through: Proxy) -> list[str]:
    """The files of the client and its texts that have been asked for."""
    return [exchange.path for exchange in through.exchanges if CLIENT.search(exchange.path)]


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
@pytest.mark.parametrize(("path", "file"), [(FORM, STYLES), (LIST, PICTURE)], ids=["form", "list"])
def test_p9_a_first_visitor_gets_the_page_before_anything_of_ours(stage: Stage, path: str, file: str) -> None:
    """With a form that works offline it is enough that the page is painted, else it comes after everything else."""
    asked: list[list[str]] = []
    stage.proxy.on(named(stage, file), proxy.once(after_entry(asked)))
    stage.open(path)
    assert asked == [[]]
    assert len(asked_of_client(stage.proxy)) >= len(CLIENT_MODULES) + 3


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p9_a_page_with_a_form_does_not_wait_for_its_pictures(stage: Stage) -> None:
    picture = named(stage, PICTURE)
    stage.proxy.on(picture, proxy.once(after_client))
    # Or it would come without a picture as well, in the end.
    stage.proxy.on(named(stage, ENTRY), proxy.rewriting(without_limit))
    stage.open(FORM)
    assert stage.proxy.requests(picture)[0].status == 200


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
@pytest.mark.parametrize("lost", ["client", "texts"])
def test_p7_a_form_whose_client_does_not_come_is_a_plain_form(stage: Stage, lost: str) -> None:
    file = named(stage, f"/offlinesync/{lost}.")
    stage.proxy.on(file, proxy.refuse)
    stage.open(FORM, until_client_runs=False)
    wait_until(lambda: stage.proxy.requests(file), "what does not come has been asked for")
    pages.fill(stage, "Without a client")
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, "Without a client")
    assert stage.site.ledger() == []


def open_held(stage: Stage, path: str) -> None:
    """Open a page whose client is not fetched before the test says so."""
    pages.before_load(stage, HOLD_PAINT)
    stage.open(path, until_client_runs=False)
    wait_until(lambda: stage.driver.execute_script(IS_HELD), "the entry waits")


def start_client(stage: Stage) -> None:
    """Let the client of a held page be fetched and run."""
    stage.driver.execute_script(PAINT)
    pages.wait_for_client(stage)


@pytest.mark.parametrize("arguments", [("--disable-features=BackForwardCache",)])
def test_p2_what_is_typed_before_the_client_runs_stays(stage: Stage) -> None:
    """The form that the browser brings back is sent already: it would be emptied."""
    gate = proxy.Gate()
    stage.proxy.on(SUBMISSIONS, gate.before_answer)
    pages.write_post(stage, TITLE)
    wait_until(lambda: gate.held, "it is being sent")
    stage.driver.find_element(By.CSS_SELECTOR, "nav a").click()
    pages.wait_for_title(stage.driver, "Posts")
    pages.before_load(stage, HOLD_PAINT)
    stage.driver.back()
    wait_until(lambda: stage.driver.execute_script(IS_HELD), "the entry waits")
    assert pages.typed(stage.driver, "title") == TITLE
    stage.driver.find_element(By.NAME, "body").send_keys(" And then snow.")
    start_client(stage)
    gate.open()
    pages.wait_for_post(stage, TITLE)
    pages.wait_for_empty_outbox(stage)
    assert pages.typed(stage.driver, "body").endswith("And then snow.")


def test_p3_p7_a_form_that_is_on_its_way_is_not_saved_as_well(stage: Stage) -> None:
    def after_the_second_press(through: Proxy, exchange: Exchange, client: socket.socket) -> None:
        wait_until(lambda: [each for each in through.exchanges if "pressed-twice" in each.target], "pressed again")
        proxy.forward(through, exchange, client)

    open_held(stage, FORM)
    pages.fill(stage, TITLE)
    stage.proxy.on(FORM, after_the_second_press)
    stage.driver.execute_script(PRESS_TWICE)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, TITLE)
    assert stage.site.ledger() == []
    assert pages.outbox(stage.driver)["entries"] == 0


def test_p8_a_page_that_is_come_back_to_before_its_client_runs_is_not_shown_to_the_next(stage: Stage) -> None:
    pages.sign_in(stage, "demo1")
    # A worker that begins its work ends what lies in the back/forward cache.
    pages.wait_for_worker(stage)
    open_held(stage, FORM)
    ours = stage.driver.current_window_handle
    assert "demo1" in stage.driver.find_element(By.TAG_NAME, "body").text
    stage.driver.execute_script("window.isTheSame = true; location.assign(arguments[0])", stage.url + NEUTRAL)
    stage.driver.switch_to.new_window("tab")
    pages.sign_out(stage)
    stage.driver.switch_to.window(ours)
    stage.driver.back()
    assert stage.driver.execute_script("return window.isTheSame"), "from the back/forward cache"
    stage.driver.execute_script(PAINT)
    wait_until(lambda: stage.driver.execute_script(NAMES_NOBODY), "it is another page")


def test_p7_another_page_is_not_taken_for_the_texts(stage: Stage) -> None:
    """As where a middleware of the site's leads to the sign-in page."""
    file = named(stage, "/offlinesync/texts.")
    stage.proxy.on(file, proxy.rewriting(lambda body: b"<h1>Sign in</h1>"))
    stage.open(FORM, until_client_runs=False)
    wait_until(lambda: stage.proxy.requests(file), "the texts have been asked for")
    pages.fill(stage, TITLE)
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, TITLE)
    assert stage.site.ledger() == []
