"""No one entry, no answer and no closed tab holds up the rest (P6, P9, rows B2, B6, B9 and B12)."""

from __future__ import annotations

import json
import socket

import pytest
from selenium.webdriver.common.by import By

from . import pages, proxy
from .matrix import CHROMIUM_FIRST, wide
from .pages import FORM, LIST, NEUTRAL
from .proxy import SESSION, SUBMISSIONS, Proxy
from .stage import Stage
from .waiting import wait_until
from .wire import Exchange, answer

# As many connections as a browser opens to one host.
CONNECTIONS = 6
COUNT_REGISTRATIONS = """
window.registrations = 0;
const { register } = SyncManager.prototype;
SyncManager.prototype.register = function (tag) {
  window.registrations += 1;
  return register.call(this, tag);
};
"""
# Whatever ends a delivery says anew what is true.
DELIVER_AGAIN = """
document.querySelector("[data-offlinesync-status]").replaceChildren();
window.dispatchEvent(new Event("online"));
"""
FIVE_MINUTES_LATER = """
const { now } = Date;
Date.now = () => now() + 301000;
"""
# The entry in this place becomes one that the site takes for no submission at all.
SPOIL_SCRIPT = """
const [name, place, done] = arguments;
const request = indexedDB.open(name);
request.onsuccess = () => {
  const transaction = request.result.transaction("entries", "readwrite");
  const store = transaction.objectStore("entries");
  store.getAll().onsuccess = ({ target: { result } }) => store.put({ ...result[place], fields: [["title"]] });
  transaction.oncomplete = () => { request.result.close(); done(); };
};
"""
# The first entry becomes so large that Chromium keeps it in a file of its own.
ENLARGE_SCRIPT = """
const [name, done] = arguments;
const request = indexedDB.open(name);
request.onsuccess = () => {
  const transaction = request.result.transaction("entries", "readwrite");
  transaction.objectStore("entries").openCursor().onsuccess = ({ target: { result: cursor } }) => {
    const words = Array.from({ length: 200000 }, () => String.fromCharCode(33 + Math.random() * 90)).join("");
    cursor.update({ ...cursor.value, fields: [...cursor.value.fields, ["more", words]] });
  };
  transaction.oncomplete = () => { request.result.close(); done(); };
};
"""


class EndlessPage:
    """A portal that begins a page in the site's place, and never comes to its end."""

    def __init__(self) -> None:
        self.begun: list[Exchange] = []
        self.given_up: list[Exchange] = []

    def __call__(self, through: Proxy, exchange: Exchange, client: socket.socket) -> None:
        self.begun.append(exchange)
        try:
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<!doctype html>")
            while not through.closing.wait(0.05):
                client.sendall(b"<p>Welcome aboard.</p>")
        except OSError:
            self.given_up.append(exchange)


def save_untried(stage: Stage, *titles: str, file: bytes | None = None) -> None:
    """Save posts while there is no session to be had, so that none has been sent; the file goes with the first."""
    stage.proxy.on(SESSION, proxy.refuse)
    for count, title in enumerate(titles, start=1):
        first = count == 1 and file is not None
        pages.write_post(stage, title, file=pages.photo_file(stage, file) if first else None)
        wait_until(lambda: pages.typed(stage.driver, "title") == "", f"{title!r} is saved")
        wait_until(lambda count=count: f"Waiting to be sent: {count}" in pages.status(stage.driver), "it waits")


def deliver_again(stage: Stage) -> None:
    """Start another delivery from the page, as a network that comes back does, and wait until the page says so."""
    stage.driver.execute_script(DELIVER_AGAIN)
    pages.wait_for_status(stage.driver, "Waiting to be sent: 1")


def lose_large_values(stage: Stage) -> None:
    """Remove the files that Chromium keeps large values in, while it does not run."""
    stage.browser.kill()
    stored = [file for file in stage.browser.profile.glob("**/*.indexeddb.blob/**/*") if file.is_file()]
    assert stored, "the browser keeps large values in files of their own"
    for file in stored:
        file.unlink()
    stage.proxy.heal()
    stage.browser.start()


def open_while_one_waits(stage: Stage, title: str, status: int, **headers: str) -> None:
    """Open a page that finds an entry of an earlier visit, on a site that answers in this way to everybody."""

    def busy(through: Proxy, exchange: Exchange, client: socket.socket) -> None:
        client.sendall(answer(status, "", "text/html", **headers))

    stage.open(LIST)
    pages.wait_for_worker(stage)
    pages.deny_background_sync(stage)
    save_untried(stage, title)
    stage.open(NEUTRAL)
    pages.allow_background_sync(stage)
    stage.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": COUNT_REGISTRATIONS})
    stage.proxy.on(SESSION, busy)
    stage.proxy.exchanges.clear()
    stage.open(LIST)


def test_b2_p9_answers_that_never_end_do_not_use_up_the_connections(stage: Stage) -> None:
    portal = EndlessPage()
    stage.open(FORM)
    stage.proxy.on(SESSION, portal)
    pages.fill(stage, "Behind an endless portal")
    pages.submit(stage)

    def asked_once_more() -> bool:
        stage.driver.execute_script("window.dispatchEvent(new Event('online'))")
        return len(portal.begun) > CONNECTIONS

    wait_until(asked_once_more, "there is a connection for another attempt")
    wait_until(
        lambda: all(exchange in portal.given_up for exchange in portal.begun[: CONNECTIONS + 1]),
        "every answer that could not be used has been given up",
    )
    fetched = (
        "const done = arguments[0]; fetch('/api/posts/').then(({ status }) => done(status), (error) => done(error))"
    )
    assert stage.driver.execute_async_script(fetched) == 200
    stage.proxy.heal()
    stage.open(LIST)
    pages.wait_for_post(stage, "Behind an endless portal")


@pytest.mark.wide
def test_b9_p6_a_file_that_the_browser_has_lost_holds_up_nothing_else(stage: Stage) -> None:
    save_untried(stage, "Its photo is lost", "Saved after it", file=pages.photo(width=400))
    lose_large_values(stage)
    stage.open(LIST)
    pages.wait_for_post(stage, "Saved after it")
    pages.wait_for_status(stage.driver, "Waiting to be sent: 1")
    (kept,) = pages.entries(stage.driver)
    assert ["title", "Its photo is lost"] in kept["fields"]
    assert not stage.site.posts("Its photo is lost")

    folder = stage.site.data.parent / "downloads"
    stage.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
    stage.driver.execute_script("document.querySelector('[data-offlinesync-entries]').open = true")
    pages.press_in_list(stage, "[data-offlinesync-action=download]")
    file = folder / "kept-on-this-device.json"
    wait_until(file.exists, "there is a copy of what can be read")
    (copied,) = json.loads(file.read_text())["entries"]
    assert ["title", "Its photo is lost"] in copied["fields"]
    assert [photo["base64"] for photo in copied["files"]] == [None]


@pytest.mark.wide
def test_b9_p6_words_that_the_browser_has_lost_hold_up_nothing_else(stage: Stage) -> None:
    save_untried(stage, "Its words are lost", "Saved after it", "And another")
    stage.open(NEUTRAL)
    stage.driver.execute_async_script(ENLARGE_SCRIPT, pages.OUTBOX)
    lose_large_values(stage)
    stage.open(LIST)
    for title in ("Saved after it", "And another"):
        pages.wait_for_post(stage, title)
    # It is counted still: nobody can say what it was.
    pages.wait_for_status(stage.driver, "Waiting to be sent: 1")
    assert pages.outbox(stage.driver) == {"entries": 1, "files": 0}
    assert not stage.site.posts("Its words are lost")


@pytest.mark.wide
def test_b9_p6_an_entry_that_is_always_put_off_with_retry_after_lets_the_others_pass(stage: Stage) -> None:
    save_untried(stage, "Crashes the site", "Second in line", "Third in line")
    poisonous = pages.entries(stage.driver)[0]["id"]

    def crash(through: Proxy, exchange: Exchange, client: socket.socket) -> None:
        if poisonous in exchange.ids:
            client.sendall(answer(503, "", "text/html", Retry_After="1"))
        else:
            proxy.forward(through, exchange, client)

    stage.proxy.on(SUBMISSIONS, crash)
    stage.proxy.on(SESSION, proxy.forward)
    stage.open(LIST)
    pages.wait_for_post(stage, "Second in line")
    pages.wait_for_post(stage, "Third in line")
    assert not stage.site.posts("Crashes the site")

    stage.proxy.heal()
    stage.open(LIST)
    pages.wait_for_post(stage, "Crashes the site")


@pytest.mark.parametrize("place", [wide(0), 1, wide(2)])
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_b9_p6_an_entry_that_the_site_cannot_read_is_set_aside_and_the_rest_goes_on(stage: Stage, place: int) -> None:
    titles = ["First in line", "Second in line", "Third in line"]
    pages.deny_background_sync(stage)
    save_untried(stage, *titles)
    stage.open(NEUTRAL)
    stage.driver.execute_async_script(SPOIL_SCRIPT, pages.OUTBOX, place)
    stage.proxy.heal()
    stage.open(LIST)
    for title in titles[:place] + titles[place + 1 :]:
        pages.wait_for_post(stage, title)
    wait_until(lambda: [entry["state"] for entry in pages.entries(stage.driver)] == ["refused"], "it is set aside")
    wait_until(
        lambda: stage.driver.find_elements(By.CSS_SELECTOR, "[id^=offlinesync-kept-]"), "it is shown, such as it is"
    )
    assert not stage.site.posts(titles[place])
    assert len(stage.site.ledger()) == 2


@pytest.mark.wide
@pytest.mark.parametrize("place", [0, wide(1), wide(2)])
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_b9_p6_an_entry_that_breaks_the_site_goes_behind_the_others_and_is_tried_again(
    stage: Stage, place: int
) -> None:
    titles = ["First in line", "Second in line", "Third in line"]
    save_untried(stage, *titles)
    poisonous = pages.entries(stage.driver)[place]["id"]
    broken = proxy.answering(lambda exchange: answer(500, "", "text/html"))
    stage.proxy.on(SUBMISSIONS, proxy.where(lambda exchange: poisonous in exchange.ids, broken))
    stage.proxy.on(SESSION, proxy.forward)
    stage.open(LIST)
    for title in titles[:place] + titles[place + 1 :]:
        pages.wait_for_post(stage, title)
    assert not stage.site.posts(titles[place])
    stage.proxy.heal()
    stage.open(LIST)
    pages.wait_for_post(stage, titles[place])
    pages.wait_for_empty_outbox(stage)
    assert len(stage.site.ledger()) == 3


def test_b12_one_request_and_no_sync_until_retry_after_is_over(stage: Stage) -> None:
    open_while_one_waits(stage, "Asked to come back", 503, Retry_After="300")
    for _ in range(3):
        deliver_again(stage)
    assert stage.driver.execute_script("return window.registrations") == 0
    assert len(stage.proxy.requests(SESSION)) == 1
    assert not stage.proxy.requests(SUBMISSIONS)

    # Whoever starts afresh does as the site has asked as well.
    stage.proxy.heal()
    stage.open(LIST)
    pages.wait_for_status(stage.driver, "Waiting to be sent: 1")
    deliver_again(stage)
    assert len(stage.proxy.requests(SESSION)) == 1
    stage.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": FIVE_MINUTES_LATER})
    stage.open(LIST)
    pages.wait_for_post(stage, "Asked to come back")


def test_b12_a_row_of_failures_arms_one_sync(stage: Stage) -> None:
    open_while_one_waits(stage, "While the site is broken", 500)

    def failed_again() -> bool:
        deliver_again(stage)
        return sum(not exchange.from_worker for exchange in stage.proxy.requests(SESSION)) > 3

    wait_until(failed_again, "the page has tried several times")
    assert stage.driver.execute_script("return window.registrations") == 1

    stage.proxy.heal()
    pages.wait_for_post(stage, "While the site is broken")


def test_b6_another_tab_goes_on_when_the_one_that_saved_is_closed(stage: Stage) -> None:
    """Where there is no background sync; the other tab had nothing to send before."""
    pages.deny_background_sync(stage)
    stage.open(LIST)
    other = stage.driver.current_window_handle
    stage.driver.switch_to.new_window("window")
    save_untried(stage, "From the closed tab")
    stage.driver.close()
    stage.proxy.heal()
    pages.wait_for_post(stage, "From the closed tab")
    stage.driver.switch_to.window(other)
    pages.wait_for_empty_outbox(stage)
