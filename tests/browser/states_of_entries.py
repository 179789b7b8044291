"""What a visitor sees of what they have sent: a function brings a stage into each state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from selenium.webdriver.common.by import By

from . import pages, proxy
from .pages import FORM, LIST
from .proxy import SUBMISSIONS, Behaviour
from .stage import Stage
from .test_capture import NOT_SAVED, fill_the_disk
from .test_conflicts import CHANGED, open_form, somebody_else_writes, write
from .test_connection import BACK
from .test_controls import REMOVED, discard_first, press
from .test_eviction import delete_database
from .test_form import broken_photo, wait_for_refusal
from .test_kept_list import change_entries, listed
from .test_pending import ONLINE
from .waiting import wait_until
from .wire import answer

TITLE = "Eleven seconds of daylight"
BREAK_WRITES = """
IDBObjectStore.prototype.add = IDBObjectStore.prototype.put = function () {
  throw new DOMException("Internal error.", "UnknownError");
};
"""
REFUSED = {
    "Not for me to send": "forbidden",
    "Of a form that is gone": "unknown_form",
    "Sent before, with other words": "id_reuse",
    "Longer than they take": "too_large",
    "Not to be read": "malformed",
    "For a reason of the site's own": "other",
}
PUT_OFF = {
    "For a site that is busy": "busy",
    "For a site with a bug": "handler_error",
    "With a file that came in half": "incomplete_file",
    "After an earlier one": "group",
    "For another reason": "other",
}


def wait_for_lines(stage: Stage, *words: str) -> None:
    """Wait until the status has a line with each of these."""

    def said() -> str:
        return " ".join([*pages.status(stage.driver), *pages.connection(stage.driver)])

    wait_until(lambda: all(part in said() for part in words), f"the status says {words}; it says {said()!r}")


def save(stage: Stage, *titles: str, path: str | None = None, behaviour: Behaviour = proxy.refuse) -> None:
    """Write posts that the site does not take, and read that they wait."""
    stage.open(FORM)
    stage.proxy.on(path, behaviour)
    for number, title in enumerate(titles or (TITLE,), start=1):
        pages.fill(stage, title)
        pages.submit(stage)
        wait_until(lambda: pages.typed(stage.driver, "title") == "", "the form is empty again")
        wait_for_lines(stage, f"Waiting to be sent: {number}")


def open_list(stage: Stage) -> None:
    """Open the list of what is kept."""
    pages.press_in_list(stage, "summary")


def told_of(codes: Mapping[str, str], **receipt: object) -> Behaviour:
    """Receipts in the site's place, each with the code that its title has."""

    def make(exchange: proxy.Exchange) -> bytes:
        found = [
            {"id": entry, "code": codes[title], **receipt}
            for entry, title in zip(exchange.ids, exchange.titles, strict=True)
        ]
        return answer(200, json.dumps({"receipts": found}))

    return proxy.answering(make)


def nothing_to_say(stage: Stage) -> None:
    stage.open(LIST)


def being_sent(stage: Stage) -> None:
    stage.open(FORM)
    stage.proxy.on(SUBMISSIONS, proxy.Gate().before_request)
    pages.fill(stage, TITLE)
    pages.submit(stage)
    wait_for_lines(stage, "It is being sent.")


def saved_and_waiting(stage: Stage) -> None:
    save(stage)
    wait_for_lines(stage, pages.SAVED_SYNC, "There is no connection")


def sending_several(stage: Stage) -> None:
    pages.deny_background_sync(stage)
    save(stage, "One of three", "Two of three", "Three of three")
    stage.proxy.heal()
    held = proxy.where(lambda exchange: bool(stage.site.ledger()), proxy.Gate().before_request)
    stage.proxy.on(SUBMISSIONS, held)
    stage.open(LIST)
    wait_for_lines(stage, "Sending: 2 of 3")


def sent(stage: Stage) -> None:
    save(stage)
    stage.proxy.heal()
    stage.driver.execute_script(ONLINE)
    wait_for_lines(stage, "It was sent. Show it")


def not_sent_by_hand(stage: Stage) -> None:
    save(stage)
    press(stage, "send")
    wait_for_lines(stage, "It could not be sent: there is no connection.")


def trouble(stage: Stage) -> None:
    save(stage, path=SUBMISSIONS, behaviour=proxy.answering(lambda exchange: answer(503, Retry_After="600")))
    wait_for_lines(stage, "It is tried again at:")


def no_connection(stage: Stage) -> None:
    save(stage)
    stage.open(LIST)
    wait_for_lines(stage, "There is no connection to this site right now.")


def connection_is_back(stage: Stage) -> None:
    save(stage)
    wait_for_lines(stage, "There is no connection")
    stage.proxy.heal()
    stage.proxy.on(SUBMISSIONS, proxy.Gate().before_request)
    stage.driver.execute_script(ONLINE)
    wait_for_lines(stage, BACK)


def waiting_in_the_outbox(stage: Stage) -> None:
    save(stage, TITLE, "And then the larches")
    open_list(stage)
    pages.press_in_list(stage, ".offlinesync-words summary")


def waiting_for_days(stage: Stage) -> None:
    save(stage, path=SUBMISSIONS)
    change_entries(stage, captured_at=(datetime.now(UTC) - timedelta(days=3)).isoformat())
    stage.open(LIST)
    wait_until(lambda: "more than two days" in str(listed(stage)), "the list says so")


def waiting_for_many_reasons(stage: Stage) -> None:
    save(stage, *PUT_OFF, path=SUBMISSIONS, behaviour=told_of(PUT_OFF, status="deferred", retry_after=600))
    wait_until(lambda: len({item["why"] for item in listed(stage)}) == len(PUT_OFF), "each has its own reason")


def needing_attention(stage: Stage) -> None:
    stage.open(FORM)
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    pages.fill(stage, TITLE, file=broken_photo(stage))
    pages.submit(stage)
    wait_for_lines(stage, "Waiting to be sent: 1")
    stage.proxy.heal()
    stage.open(LIST)
    wait_for_lines(stage, "Needs your attention: 1")
    wait_until(lambda: [item["errors"] for item in listed(stage)] not in ([], [[]]), "its errors are listed")


def refused_in_its_form(stage: Stage) -> None:
    needing_attention(stage)
    stage.driver.find_element(By.CSS_SELECTOR, "[data-offlinesync-status] a").click()
    wait_for_refusal(stage)
    wait_for_lines(stage, "The site did not accept this.")


def refused_for_many_reasons(stage: Stage) -> None:
    save(stage, *REFUSED, path=SUBMISSIONS)
    stage.proxy.on(SUBMISSIONS, told_of(REFUSED, status="rejected", errors={}))
    stage.open(LIST)
    wait_for_lines(stage, f"Needs your attention: {len(REFUSED)}")
    wait_until(lambda: len({item["why"] for item in listed(stage)}) == len(REFUSED), "each has its own reason")


def changed_by_somebody_else(stage: Stage) -> None:
    pages.deny_background_sync(stage)
    open_form(stage)
    stage.proxy.on(None, proxy.refuse)
    write(stage, "Well 14, measured three times")
    wait_for_lines(stage, "Waiting to be sent: 1")
    somebody_else_writes(stage, "Well 14, now dry")
    stage.proxy.heal()
    stage.open(LIST)
    wait_until(lambda: stage.driver.find_elements(By.CSS_SELECTOR, ".offlinesync-current"), "it is listed")
    wait_until(lambda: pages.is_updated(stage.driver), "and the list is kept with theirs")


def mine_and_theirs(stage: Stage) -> None:
    open_form(stage)
    somebody_else_writes(stage, "Well 14, now dry")
    write(stage, "Well 14, measured three times")
    pages.wait_for_status(stage.driver, CHANGED)


def theirs_taken(stage: Stage) -> None:
    mine_and_theirs(stage)
    stage.driver.execute_script("document.querySelector('[data-offlinesync-take=theirs]').click()")
    wait_until(lambda: pages.typed(stage.driver, "title") == "Well 14, now dry", "theirs stands there")


def asked_before_discarding(stage: Stage) -> None:
    save(stage)
    open_list(stage)
    pages.press_in_list(stage, ".offlinesync-discard summary")


def discarded(stage: Stage) -> None:
    asked_before_discarding(stage)
    pages.press_in_list(stage, "[data-offlinesync-action=discard]")
    pages.wait_for_status(stage.driver, REMOVED)


def taken_back(stage: Stage) -> None:
    save(stage)
    open_list(stage)
    discard_first(stage)
    pages.wait_for_status(stage.driver, REMOVED)
    press(stage, "undo")
    wait_for_lines(stage, "It is back on this device.")


def no_room(stage: Stage) -> None:
    # Chromium does not ask anew how much room there is while it believes to know.
    stage.browser.stop()
    stage.browser.start()
    stage.open(FORM)
    fill_the_disk(stage)
    stage.proxy.on(None, proxy.refuse)
    pages.fill(stage, TITLE, file=pages.photo_file(stage, pages.photo(width=1000)))
    pages.submit(stage)
    wait_for_lines(stage, "There is no room for this on your device")


def not_saved(stage: Stage) -> None:
    stage.open(FORM)
    stage.proxy.on(None, proxy.refuse)
    stage.driver.execute_script(BREAK_WRITES)
    pages.fill(stage, TITLE)
    pages.submit(stage)
    wait_for_lines(stage, NOT_SAVED)


def removed_by_the_browser(stage: Stage) -> None:
    save(stage, path=SUBMISSIONS)
    stage.proxy.heal()
    delete_database(stage)
    stage.open(LIST)
    wait_for_lines(stage, "The browser has removed what was saved on this device.")


def out_of_date(stage: Stage) -> None:
    stage.open(FORM)
    code = json.dumps({"code": "unsupported_protocol", "detail": ""})
    stage.proxy.on(SUBMISSIONS, proxy.answering(lambda exchange: answer(400, code)))
    pages.fill(stage, TITLE)
    pages.submit(stage)
    wait_for_lines(stage, "This page is out of date.")


ENTRIES = [
    nothing_to_say,
    being_sent,
    saved_and_waiting,
    sending_several,
    sent,
    not_sent_by_hand,
    trouble,
    no_connection,
    connection_is_back,
    waiting_in_the_outbox,
    waiting_for_days,
    waiting_for_many_reasons,
    needing_attention,
    refused_in_its_form,
    refused_for_many_reasons,
    changed_by_somebody_else,
    mine_and_theirs,
    theirs_taken,
    asked_before_discarding,
    discarded,
    taken_back,
    no_room,
    not_saved,
    removed_by_the_browser,
    out_of_date,
]
