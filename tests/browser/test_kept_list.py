"""What lies on the device says what it is, why it is still there and what can be done (rows C7 and C10, P2 and P4)."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from . import pages, proxy
from .pages import FORM, LIST, NEUTRAL
from .proxy import SUBMISSIONS, Behaviour
from .stage import Stage
from .waiting import wait_until
from .wire import Exchange, answer

FORM_GONE = "It cannot be put back into its form any more. What you wrote is below: you can copy it from there."
LONG = (
    "This has been waiting for more than two days. Look whether this device reaches the site at all, and save a copy "
    "as a file."
)
ATTENTION = "Needs your attention: 1 See what is wrong"
BUG = re.compile(
    r"The site has an error and could not save this. It is sent again by itself at: \d+:\d+ [AP]M "
    r"If this stays so, tell the people who run the site."
)
# Each kept entry as it stands in the list; what is folded away has a text as well, but no innerText.
LIST_SCRIPT = """
const words = (element) => element.textContent.replace(/\\s+/g, " ").trim();
return [...document.querySelectorAll("[data-offlinesync-list] > li")].map((item) => ({
  visible: item.innerText.replace(/\\s+/g, " ").trim(),
  why: words(item.querySelector("[data-offlinesync-why] > p")),
  errors: [...item.querySelectorAll("[data-offlinesync-why] li")].map(words),
  since: item.querySelector("time").dateTime,
  words: [...item.querySelectorAll("dl > *")].map((part) => part.textContent),
  link: item.querySelector("[data-offlinesync-open]")?.getAttribute("href") ?? null,
}));
"""
# What a deploy does to an entry that was saved before it: its form has another name now, or its page is another.
CHANGE_SCRIPT = """
const [name, changes, done] = arguments;
const request = indexedDB.open(name);
request.onsuccess = () => {
  const transaction = request.result.transaction("entries", "readwrite");
  transaction.objectStore("entries").openCursor().onsuccess = ({ target: { result: cursor } }) => {
    cursor?.update({ ...cursor.value, ...changes });
    cursor?.continue();
  };
  transaction.oncomplete = () => { request.result.close(); done(); };
};
"""
FIVE_MINUTES_LATER = """
const { now } = Date;
Date.now = () => now() + 301000;
"""


def listed(stage: Stage) -> list[dict[str, Any]]:
    """The entries in the page's list."""
    return list(stage.driver.execute_script(LIST_SCRIPT))


def wait_for_why(stage: Stage, why: str) -> dict[str, Any]:
    """Wait until the list has one entry with this sentence."""
    wait_until(lambda: [item["why"] for item in listed(stage)] == [why], f"one is listed, and why: {why}")
    return listed(stage)[0]


def change_entries(stage: Stage, **changes: object) -> None:
    """Make the entries what they would be if they had been saved before a deploy."""
    stage.open(NEUTRAL)
    stage.driver.execute_async_script(CHANGE_SCRIPT, pages.OUTBOX, changes)


def says(**receipt: Any) -> Behaviour:
    """The same receipt for everything, in the site's place."""

    def make(exchange: Exchange) -> bytes:
        return answer(200, json.dumps({"receipts": [{"id": entry, **receipt} for entry in exchange.ids]}))

    return proxy.answering(make)


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    """One browser and one site for this module."""
    return shared_stage


@pytest.mark.wide
def test_c7_a_bug_of_the_site_is_told_in_plain_words_until_it_is_gone(stage: Stage) -> None:
    title = "Read by a broken site"
    photos = stage.site.data / "media" / "photos"
    aside = photos.rename(photos.with_name("aside"))
    photos.write_text("no folder")
    pages.write_post(stage, title, file=pages.photo_file(stage, pages.photo()))
    pages.wait_for_saved(stage, waiting=1)
    wait_until(
        lambda: [BUG.fullmatch(item["why"]) for item in listed(stage)] not in ([], [None]), "one is listed, and why"
    )
    (item,) = listed(stage)
    assert item["why"] in item["visible"], "the list is open where something is wrong"
    (entry,) = pages.entries(stage.driver)
    assert item["since"] == entry["captured_at"]
    assert title in item["visible"]
    assert not stage.site.posts(title)

    photos.unlink()
    aside.rename(photos)
    added = stage.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": FIVE_MINUTES_LATER})
    stage.open(LIST)
    pages.wait_for_post(stage, title)
    wait_until(lambda: not listed(stage), "the list is gone")
    assert not stage.driver.find_elements(By.CSS_SELECTOR, "[data-offlinesync-entries]")
    stage.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_what_has_waited_long_says_so(stage: Stage) -> None:
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    pages.save_unsent(stage, "In a valley")
    assert not listed(stage)[0]["visible"], "the list is closed"
    pages.press_in_list(stage, "summary")
    assert LONG not in listed(stage)[0]["visible"]
    change_entries(stage, captured_at=(datetime.now(UTC) - timedelta(days=3)).isoformat())
    stage.open(LIST)
    wait_until(lambda: [LONG in item["visible"] for item in listed(stage)] == [True], "the list is open, and says so")


def test_what_was_refused_is_listed_with_its_errors_by_field(stage: Stage) -> None:
    title = "No picture"
    pages.write_post(stage, title, file=pages.photo_file(stage, b"this is no picture", "broken.png"))
    wait_until(lambda: pages.errors(stage.driver), "the refusal stands in the form")
    assert not listed(stage), "and not in the list as well"
    (entry,) = pages.entries(stage.driver)
    stage.open(LIST)
    item = wait_for_why(stage, "The site found something wrong in this. Correct it and send it again.")
    assert item["errors"] == [
        "Photo Upload a valid image. The file you uploaded was either not an image or a corrupted image."
    ]
    assert all(text in item["visible"] for text in [item["why"], *item["errors"]])
    assert item["words"] == [
        *("Title", title, "Location", "Coach 9", "Body", "Rain.\r\nThen none."),
        *("Photo", "broken.png"),
    ]
    assert item["link"] == f"{FORM}#offlinesync-{entry['id']}"


REASONS = {
    "busy": ({"status": "deferred", "code": "busy"}, "The site was busy. It is sent again by itself in a moment."),
    "group": (
        {"status": "deferred", "code": "group"},
        "Something you saved earlier has to go out first. Then this one follows by itself.",
    ),
    "incomplete_file": (
        {"status": "deferred", "code": "incomplete_file"},
        "A file did not arrive whole. It is sent again by itself. If this stays so, keep a copy of your words, "
        "discard this and choose the file anew.",
    ),
    "a_code_of_a_later_release": (
        {"status": "deferred", "code": '"]'},
        "The site could not take this yet. It is sent again by itself in a moment.",
    ),
    "forbidden": (
        {"status": "rejected", "code": "forbidden"},
        "You may not send this, or not any more. Ask the people who run the site, or discard it.",
    ),
    "id_reuse": (
        {"status": "rejected", "code": "id_reuse"},
        "The site has an earlier version of this already. Look whether that is enough; if not, open this one and send "
        "it again as new.",
    ),
    "too_large": (
        {"status": "rejected", "code": "too_large"},
        "This is larger than the site takes. Shorten it or remove files, and send it again.",
    ),
    "conflict": (
        {"status": "conflict", "version": "2"},
        "What this was about has been changed by somebody else since. Compare the two and send it again.",
    ),
    "a_refusal_of_a_later_release": (
        {"status": "rejected", "code": "later"},
        "The site did not accept this. Open it, correct it and send it again.",
    ),
}


@pytest.mark.parametrize("reason", list(REASONS))
def test_c7_each_answer_is_told_in_plain_words(stage: Stage, reason: str) -> None:
    receipt, why = REASONS[reason]
    stage.open(FORM)
    stage.proxy.on(SUBMISSIONS, says(**receipt))
    pages.fill(stage, reason)
    pages.submit(stage)
    wait_until(
        lambda: pages.entries(stage.driver) and not stage.driver.find_elements(By.CSS_SELECTOR, "[aria-busy=true]"),
        "answered",
    )
    stage.open(LIST)
    wait_for_why(stage, why)


def test_b9_what_is_too_large_for_the_way_says_so_and_goes_on(stage: Stage) -> None:
    stage.open(FORM)
    stage.proxy.on(SUBMISSIONS, proxy.answering(lambda exchange: answer(413, "", "text/html")))
    pages.fill(stage, "Too large for the tunnel")
    pages.submit(stage)
    pages.wait_for_status(stage.driver, pages.SAVED_SYNC, ATTENTION)
    item = wait_for_why(
        stage,
        "This is too large for the site, or for the network here. It goes on being tried. You can make it smaller, or "
        "try from another network.",
    )
    assert item["link"]


def test_what_only_waits_is_folded_away(stage: Stage) -> None:
    stage.open(FORM)
    stage.proxy.on(None, proxy.refuse)
    pages.save_unsent(stage, "From the tunnel")
    wait_for_why(stage, "It waits for a connection, and goes out by itself when there is one.")
    (item,) = listed(stage)
    assert item["visible"] == ""
    assert item["link"] is None, "what waits never changes"
    assert (
        "Kept on this device, the oldest since"
        in stage.driver.find_element(By.CSS_SELECTOR, "[data-offlinesync-entries] > summary").text
    )
    pages.press_in_list(stage, "summary")
    assert item["why"] in listed(stage)[0]["visible"]


def test_b9_an_entry_whose_texts_are_none_is_listed(stage: Stage) -> None:
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    pages.save_unsent(stage, "Not to be read")
    change_entries(stage, form=7, fields=[["title", 7]], files=None)
    stage.open(LIST)
    wait_until(lambda: len(listed(stage)) == 1, "it is listed")
    assert listed(stage)[0]["words"] == []


def test_c10_words_of_a_form_that_is_gone_can_be_read_and_discarded(stage: Stage) -> None:
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    pages.save_unsent(stage, "For a form that is gone")
    change_entries(stage, form="gone", page="/gone/")
    stage.proxy.heal()
    stage.open(LIST)
    item = wait_for_why(
        stage,
        "The site does not have this form any more. Copy what you wrote and send it in another way, or discard it.",
    )
    assert item["words"][:2] == ["Title", "For a form that is gone"]
    assert item["link"] is None
    find = stage.driver.find_element
    link = find(By.CSS_SELECTOR, ".offlinesync-attention a")
    assert find(By.ID, str(link.get_attribute("href")).partition("#")[2]).is_displayed()
    pages.press_in_list(stage, ".offlinesync-words summary")
    assert "For a form that is gone" in find(By.CSS_SELECTOR, ".offlinesync-words dl").text

    pages.press_in_list(stage, ".offlinesync-discard summary")
    pages.press_in_list(stage, "[data-offlinesync-action=discard]")
    pages.wait_for_status(stage.driver, "It was removed from this device.")
    assert pages.outbox(stage.driver) == {"entries": 0, "files": 0}
    assert not listed(stage)


def test_c10_a_page_without_its_form_shows_the_words(stage: Stage) -> None:
    pages.write_post(stage, "On a page that was redone", file=pages.photo_file(stage, b"this is no picture"))
    wait_until(lambda: pages.errors(stage.driver), "the refusal stands in the form")
    change_entries(stage, page="/posts/1/")
    stage.open(LIST)
    pages.wait_for_status(stage.driver, ATTENTION)
    stage.driver.find_element(By.CSS_SELECTOR, ".offlinesync-attention a").click()
    pages.wait_for_status(stage.driver, FORM_GONE, ATTENTION)
    assert "/posts/1/" in stage.driver.current_url
    wait_until(lambda: "Rain." in listed(stage)[0]["visible"], "the words are unfolded")


@pytest.mark.wide
def test_p2_what_is_discarded_in_one_tab_is_gone_from_the_other_and_takes_nothing_else(stage: Stage) -> None:
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    photo = pages.photo_file(stage, pages.photo())
    pages.save_unsent(stage, "To be discarded", file=photo)
    pages.save_unsent(stage, "To be kept", file=photo, waiting=2)
    other = pages.new_tab(stage.driver)
    stage.open(LIST)
    wait_until(lambda: len(listed(stage)) == 2, "both are listed")
    pages.press_in_list(stage, "summary")
    pages.press_in_list(stage, ".offlinesync-discard summary")
    pages.press_in_list(stage, "[data-offlinesync-action=discard]")
    wait_until(lambda: len(listed(stage)) == 1, "one is left")
    assert pages.outbox(stage.driver) == {"entries": 1, "files": 1}
    stage.driver.close()
    stage.driver.switch_to.window(other)
    wait_until(lambda: len(listed(stage)) == 1, "one is left in the other tab")
    stage.proxy.heal()
    stage.open(LIST)
    pages.wait_for_post(stage, "To be kept")
    assert not stage.site.posts("To be discarded")
