"""Releases of different age on one device: whatever one has saved the other keeps and delivers (rows A4, A5, B13).

The schema's first release cannot deliver beside a later one: a database of a higher version does not open to it, and
it says so by an error, on which its page posts plainly and its worker gives the sync back. What it has saved is in
`releases/v1.json`, written by that release itself. Later ones open whatever is there: they stand here for the
neighbours, as today's scripts with a schema that has grown.
"""

from __future__ import annotations

import base64
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from . import builds, frozen, pages, proxy
from .matrix import CHROMIUM_FIRST
from .pages import FORM, LIST, NEUTRAL
from .proxy import SESSION
from .stage import Stage
from .waiting import wait_until
from .wire import WORKER

TITLE = "Between two releases"
ANONYMOUS = ["Failed", "Stuck", "Never tried", "Never tried, with a photo"]
OF_AN_ACCOUNT = "Of the first account"
ATTENTION = "Needs your attention: 1 See what is wrong"
WAITS_FOR_SIGN_IN = "Something on this device is waiting for its owner to sign in. Sign in"
IN_A_HURRY = f"""
{{{pages.FASTER_SCRIPT}}}
window.told = [];
console.info = (...words) => window.told.push(words.map(String).join(" "));
"""
# A release that is two ahead: it has another store, and says more in its records.
GROW_SCRIPT = """
const [name, done] = arguments;
const request = indexedDB.open(name, 9);
request.onupgradeneeded = () => {
  request.result.createObjectStore("drafts").put("a draft", "first");
  const entries = request.transaction.objectStore("entries");
  entries.openCursor().onsuccess = ({ target: { result: cursor } }) => {
    if (!cursor) return;
    cursor.update({ ...cursor.value, mood: { of: "the day" } });
    cursor.continue();
  };
};
request.onerror = () => done(String(request.error));
request.onsuccess = () => { request.result.close(); done(true); };
"""


def title_of(entry: dict[str, Any]) -> str:
    """The title of a saved post."""
    return str(dict(entry["fields"])["title"])


def assert_first_release_arrives(stage: Stage, old: dict[str, Any]) -> None:
    """All that the first release has saved for nobody is there, once, with its photos, and the rest is as it was."""
    saved = {title_of(entry): entry for entry in frozen.records(old, "entries")}
    contents = {record["entry"]: record["content"] for record in frozen.records(old, "files")}
    for title in ANONYMOUS:
        post = next(found for found in stage.site.posts(title) if found["title"] == title)
        if saved[title]["files"]:
            assert stage.site.photo_of(post) == base64.b64decode(contents[saved[title]["id"]]["base64"])
    kept = pages.entries(stage.driver)
    assert kept == [saved["Refused"], saved[OF_AN_ACCOUNT]]
    assert sorted(row["submission_id"] for row in stage.site.ledger()) == sorted(
        saved[title]["id"].replace("-", "") for title in ANONYMOUS
    )


def wait_for_anonymous(stage: Stage) -> None:
    """Wait until only what needs its owner is left."""
    expected = [ATTENTION, WAITS_FOR_SIGN_IN]
    wait_until(
        lambda: pages.status(stage.driver)[-2:] == expected and not waiting(stage), "only its owner is waited for"
    )


def waiting(stage: Stage) -> list[str]:
    """What the status says of entries that wait."""
    return [line for line in pages.status(stage.driver) if line.startswith("Waiting")]


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_a5_p2_what_the_first_release_saved_is_kept_and_delivered_once(stage: Stage) -> None:
    old = frozen.release(1)
    stage.open(NEUTRAL)
    frozen.write_outbox(stage.driver, old)
    stage.open(LIST)
    wait_for_anonymous(stage)
    assert_first_release_arrives(stage, old)

    stage.driver.find_element(By.LINK_TEXT, "See what is wrong").click()
    wait_until(
        lambda: "id_photo_error" in pages.errors(stage.driver), "the first release's refusal stands in the form"
    )
    photo = pages.photo(seed=5)
    stage.driver.find_element(By.NAME, "photo").send_keys(str(pages.photo_file(stage, photo)))
    pages.submit(stage)
    assert stage.site.photo_of(pages.wait_for_post(stage, "Refused")) == photo
    pages.wait_for_title(stage.driver, "Posts")
    pages.sign_in(stage, "demo1")
    pages.wait_for_post(stage, OF_AN_ACCOUNT)
    pages.wait_for_empty_outbox(stage)
    assert len(stage.site.ledger()) == len(frozen.records(old, "entries"))


@pytest.mark.wide
def test_a4_a_tab_that_will_not_let_go_blocks_no_form_and_nothing_is_lost(stage: Stage) -> None:
    old = frozen.release(1)
    stage.open(NEUTRAL)
    frozen.write_outbox(stage.driver, old, stays_open=True)
    deaf = pages.new_tab(stage.driver)
    today = stage.driver.current_window_handle
    pages.write_post(stage, TITLE)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, TITLE)
    assert stage.site.ledger() == []

    stage.open(FORM)
    stage.driver.switch_to.window(deaf)
    assert stage.driver.execute_script("return window.deaf.version") == 1
    stage.driver.close()
    stage.driver.switch_to.window(today)
    # Answered as soon as the database is free.
    assert len(pages.entries(stage.driver)) == len(frozen.records(old, "entries"))
    # The page that was open meanwhile goes on: saved first, then sent.
    pages.fill(stage, "After the tab was closed")
    pages.submit(stage)
    pages.wait_for_post(stage, "After the tab was closed")
    assert len(stage.site.ledger()) > 0
    stage.open(LIST)
    wait_for_anonymous(stage)


@pytest.mark.wide
def test_a4_b10_a_page_whose_outbox_opens_late_shows_and_sends_what_waits(stage: Stage) -> None:
    """The page waits a tenth of its time."""
    old = frozen.release(1)
    stage.open(NEUTRAL)
    frozen.write_outbox(stage.driver, old, stays_open=True)
    deaf = pages.new_tab(stage.driver)
    today = stage.driver.current_window_handle
    pages.before_load(stage, IN_A_HURRY)
    stage.open(LIST)
    wait_until(lambda: stage.driver.execute_script("return window.told.length"), "the page has given up")
    assert stage.site.ledger() == []
    stage.driver.switch_to.window(deaf)
    stage.driver.close()
    stage.driver.switch_to.window(today)
    wait_for_anonymous(stage)
    assert_first_release_arrives(stage, old)
    pages.press_in_list(stage, ".offlinesync-discard summary")
    pages.press_in_list(stage, "[data-offlinesync-action=discard]")
    wait_until(lambda: len(pages.entries(stage.driver)) == 1, "the list's buttons work")


def test_b13_a5_a_newer_database_works_and_keeps_what_this_release_does_not_know(stage: Stage) -> None:
    pages.deny_background_sync(stage)
    stage.open(FORM)
    pages.fill(stage, "Saved before", file=pages.photo_file(stage, b"this is no picture"))
    stage.proxy.on(SESSION, proxy.refuse)
    pages.submit(stage)
    pages.wait_for_status(stage.driver, pages.SAVED, "Waiting to be sent: 1")
    # The page that is open lets go of its connection, and reads on over one to the newer database.
    assert stage.driver.execute_async_script(GROW_SCRIPT, pages.OUTBOX) is True
    pages.fill(stage, "Saved after")
    pages.submit(stage)
    pages.wait_for_status(stage.driver, pages.SAVED, "Waiting to be sent: 2")
    stage.open(NEUTRAL)
    stage.proxy.heal()

    stage.open(LIST)
    pages.wait_for_post(stage, "Saved after")
    wait_until(lambda: pages.status(stage.driver)[-1:] == [ATTENTION], "the other one is refused")
    (refused,) = pages.entries(stage.driver)
    assert (refused["state"], refused["mood"]) == ("refused", {"of": "the day"})
    stage.driver.find_element(By.LINK_TEXT, "See what is wrong").click()
    wait_until(lambda: "id_photo_error" in pages.errors(stage.driver), "the refusal stands in the form")
    stage.proxy.on(SESSION, proxy.refuse)
    stage.driver.find_element(By.NAME, "photo").send_keys(str(pages.photo_file(stage, pages.photo())))
    pages.submit(stage)
    pages.wait_for_status(stage.driver, pages.SAVED, "Waiting to be sent: 1")
    (corrected,) = pages.entries(stage.driver)
    assert (corrected["state"], corrected["mood"]) == ("waiting", {"of": "the day"})
    stage.proxy.heal()
    stage.open(LIST)
    pages.wait_for_post(stage, "Saved before")
    wait_until(lambda: pages.entries(stage.driver) == [], "nothing waits")
    outbox = frozen.read_outbox(stage.driver)
    assert outbox["version"] == 9
    assert frozen.records(outbox, "drafts") == ["a draft"]


def wait_for_worker_to_deliver(stage: Stage, title: str) -> None:
    """Wait for a post, and make sure that no page has sent it."""
    pages.wait_for_post(stage, title)
    assert all(delivery.from_worker for delivery in stage.proxy.deliveries)


@pytest.mark.wide
def test_b13_a_later_worker_delivers_what_today_s_page_saves(stage: Stage) -> None:
    pages.keep_pages(stage)
    # An old worker that is at work stays until it is through.
    pages.deny_background_sync(stage)
    stage.proxy.on(SESSION, builds.worker_only)
    pages.write_post(stage, "Saved before the deploy")
    pages.wait_for_status(stage.driver, pages.SAVED, "Waiting to be sent: 1")
    builds.deploy(stage, WORKER)
    builds.update_worker(stage)
    pages.allow_background_sync(stage)
    # This page is from before the deploy: its connection is taken from it, and its form goes on saving.
    pages.fill(stage, "Saved after the deploy")
    pages.submit(stage)
    wait_for_worker_to_deliver(stage, "Saved after the deploy")
    wait_for_worker_to_deliver(stage, "Saved before the deploy")
    pages.fill(stage, "Saved into the later database")
    pages.submit(stage)
    wait_for_worker_to_deliver(stage, "Saved into the later database")
    pages.wait_for_empty_outbox(stage)
    assert frozen.read_outbox(stage.driver)["version"] == 3
    assert len(stage.site.ledger()) == 3


def test_b13_today_s_worker_delivers_what_a_later_page_saves(stage: Stage) -> None:
    pages.keep_pages(stage)
    builds.deploy(stage, FORM)
    stage.proxy.on(SESSION, builds.worker_only)
    gate = proxy.Gate()
    stage.proxy.on(proxy.SUBMISSIONS, gate.before_request)
    pages.write_post(stage, TITLE)
    wait_until(lambda: gate.held, "the worker is sending it")
    (entry,) = pages.entries(stage.driver)
    assert entry["future"] == "kept"
    gate.open()
    wait_for_worker_to_deliver(stage, TITLE)
    pages.wait_for_empty_outbox(stage)
    assert frozen.read_outbox(stage.driver)["version"] == 3
    assert len(stage.site.ledger()) == 1
