"""What stands in the list of what is kept can be sent at once, discarded, and taken back (P2, P3, row B12)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from . import pages, proxy
from .matrix import CHROMIUM_FIRST
from .pages import FORM, LIST
from .proxy import SUBMISSIONS, Behaviour
from .stage import Stage
from .waiting import wait_until
from .wire import answer

FOCUSED = "return document.activeElement.dataset.offlinesyncAction ?? document.activeElement.localName"
PRESS_IN_LIST = "document.querySelector('[data-offlinesync-list] [data-offlinesync-action=send]')?.click()"
REMOVED = "It was removed from this device."
BACK = "It is back on this device."


def press(stage: Stage, action: str) -> None:
    """Press a button of the status, wherever it sticks."""
    stage.driver.find_element(By.CSS_SELECTOR, f"[data-offlinesync-status] [data-offlinesync-action={action}]").click()


def save(stage: Stage, title: str, path: str | None, behaviour: Behaviour, *, file: Path | None = None) -> None:
    """Write a post with the worker there, have what it sends come to that, and be told that it is saved."""
    pages.keep_pages(stage)
    stage.open(FORM)
    stage.proxy.on(path, behaviour)
    pages.fill(stage, title, file=file)
    pages.submit(stage)
    pages.wait_for_saved(stage, waiting=1)


def discard_first(stage: Stage) -> None:
    """Discard the first entry of the list, which is open already."""
    pages.press_in_list(stage, ".offlinesync-discard summary")
    pages.press_in_list(stage, "[data-offlinesync-action=discard]")


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p2_p3_what_was_discarded_can_be_taken_back_with_its_file(stage: Stage) -> None:
    title = "Discarded by mistake"
    save(stage, title, None, proxy.refuse, file=pages.photo_file(stage, pages.photo()))
    (entry,) = pages.entries(stage.driver)
    pages.press_in_list(stage, "summary")
    discard_first(stage)
    pages.wait_for_status(stage.driver, REMOVED)
    assert pages.outbox(stage.driver) == {"entries": 0, "files": 0}
    wait_until(lambda: stage.driver.execute_script(FOCUSED) == "undo", "the keyboard is where it can be taken back")

    press(stage, "undo")
    pages.wait_for_status(stage.driver, BACK, "Waiting to be sent: 1")
    assert pages.outbox(stage.driver) == {"entries": 1, "files": 1}
    (again,) = pages.entries(stage.driver)
    assert (again["id"], again["seq"], again["captured_at"]) == (entry["id"], entry["seq"], entry["captured_at"])
    stage.proxy.heal()
    stage.open(LIST)
    assert stage.site.photo_of(pages.wait_for_post(stage, title)) == pages.photo()
    assert len(stage.site.ledger()) == 1


def test_p3_what_the_site_has_already_is_not_there_twice_when_its_discarding_is_undone(stage: Stage) -> None:
    title = "Arrived, and nobody knows"
    save(stage, title, SUBMISSIONS, proxy.cut_before_answer)
    assert stage.site.posts(title)
    pages.press_in_list(stage, "summary")
    discard_first(stage)
    pages.wait_for_status(stage.driver, REMOVED)
    stage.proxy.heal()
    press(stage, "undo")
    pages.wait_for_empty_outbox(stage)
    pages.only_post(stage, title)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_the_button_sends_at_once_and_says_what_came_of_it(stage: Stage) -> None:
    title = "Sent by hand"
    save(stage, title, None, proxy.refuse)
    press(stage, "send")
    unsent = "It could not be sent: there is no connection. It stays on this device, and goes out when there is one."
    pages.wait_for_status(stage.driver, unsent, "Waiting to be sent: 1")
    assert stage.driver.execute_script(FOCUSED) == "send", "whoever pressed it is still there"

    pages.press_in_list(stage, "summary")
    stage.proxy.heal()
    # The page may have sent it by itself in this moment.
    stage.driver.execute_script(PRESS_IN_LIST)
    pages.wait_for_status(stage.driver, "It was sent. Show it")
    pages.only_post(stage, title)


@pytest.mark.wide
def test_the_button_does_not_wait_for_a_pause_that_nobody_asked_for(stage: Stage) -> None:
    title = "Not for a lock"
    put_off = {"status": "deferred", "code": "busy"}
    receipts = proxy.answering(
        lambda exchange: answer(200, json.dumps({"receipts": [{"id": each, **put_off} for each in exchange.ids]}))
    )
    pages.keep_pages(stage)
    stage.open(FORM)
    stage.proxy.on(SUBMISSIONS, receipts)
    pages.fill(stage, title)
    pages.submit(stage)
    # Jitter may make one pause no pause at all, and by the tenth it is a long one.
    for _ in range(10):
        wait_until(lambda: not stage.driver.find_elements(By.CSS_SELECTOR, "[aria-busy=true]"), "it has been tried")
        press(stage, "send")
    wait_until(lambda: not stage.driver.find_elements(By.CSS_SELECTOR, "[aria-busy=true]"), "it has been tried")
    (entry,) = pages.entries(stage.driver)
    assert entry["pause"]["isAsked"] is False
    stage.proxy.heal()
    press(stage, "send")
    pages.wait_for_status(stage.driver, "It was sent. Show it")
    pages.only_post(stage, title)


def test_b12_what_the_site_has_put_off_the_button_leaves_alone(stage: Stage) -> None:
    title = "Not before ten minutes"
    save(stage, title, SUBMISSIONS, proxy.answering(lambda exchange: answer(503, Retry_After="600")))
    stage.proxy.heal()
    press(stage, "send")
    unsent = "It could not be sent just now. It stays on this device, and is sent again by itself."
    pages.wait_for_status(stage.driver, unsent, "Waiting to be sent: 1")
    assert not stage.site.posts(title)
    (said,) = pages.connection(stage.driver)
    assert said.startswith("The site is having trouble. It is tried again at: ")
