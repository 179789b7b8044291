"""What is typed is not lost before it is sent, where a form asks for that (row A11)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from . import pages, proxy
from .matrix import CHROMIUM_FIRST
from .pages import FORM, LIST
from .stage import Stage
from .test_odd_pages import correct, refuse_one
from .test_revisits import PUT_BACK_SCRIPT
from .waiting import wait_until

TITLE = "From the middle of the bog"
KEPT = "What you write here is kept on this device until you send it."
NOT_KEPT = "What you write here cannot be kept on this device any more before it is sent."
OFFER = "Something you wrote here was not sent. It was kept on this device:"
FILES = "Files have to be chosen again."
LINES_SCRIPT = """
return [...document.querySelectorAll(".offlinesync-drafts > p")].map((line) => line.firstChild.textContent.trim());
"""
DRAFTS_SCRIPT = """
const [name, done] = arguments;
const request = indexedDB.open(name);
request.onerror = () => done(String(request.error));
request.onsuccess = () => {
  const database = request.result;
  const reading = database.transaction("state").objectStore("state").getAll();
  reading.onsuccess = () => {
    database.close();
    done(reading.result.filter(({ key }) => key[0] === "draft"));
  };
};
"""
PASSWORD = """
document.addEventListener("readystatechange", () => {
  const form = document.querySelector("main form[data-offlinesync-form]");
  if (!form || form.querySelector("[name=secret]")) return;
  form.append(Object.assign(document.createElement("input"), { type: "password", name: "secret" }));
});
"""
# The form has no drafts, and stands behind another one.
SECOND_FORM = """
document.addEventListener("readystatechange", () => {
  const form = document.querySelector("main form[data-offlinesync-drafts]");
  if (!form) return;
  form.removeAttribute("data-offlinesync-drafts");
  const first = Object.assign(document.createElement("form"), { method: "post" });
  first.dataset.offlinesyncForm = "post";
  document.body.prepend(first);
});
"""
REFUSE_WRITES = """
const { put } = IDBObjectStore.prototype;
IDBObjectStore.prototype.put = function (record) {
  if (record.key?.[0] === "draft") throw new DOMException("It is full.", "QuotaExceededError");
  return put.apply(this, arguments);
};
"""


def lines(stage: Stage) -> list[str]:
    """What is said of drafts before the form."""
    return list(stage.driver.execute_script(LINES_SCRIPT))


def records(stage: Stage) -> list[dict[str, Any]]:
    """The drafts on the device, the oldest first."""
    found = stage.driver.execute_async_script(DRAFTS_SCRIPT, pages.OUTBOX)
    assert isinstance(found, list), found
    return sorted(found, key=lambda draft: str(draft["at"]))


def drafts(stage: Stage) -> list[dict[str, str]]:
    """The words of each."""
    return [dict(draft["fields"]) for draft in records(stage)]


def write_title(stage: Stage, title: str) -> None:
    """Type it in the place of what stands there."""
    field = stage.driver.find_element(By.NAME, "title")
    field.clear()
    field.send_keys(title)


def wait_for_draft(stage: Stage, *titles: str) -> None:
    """Wait until the device has drafts with these titles, the oldest first."""
    wait_until(lambda: [draft["title"] for draft in drafts(stage)] == list(titles), f"drafts: {titles}")


def press(stage: Stage, action: str) -> None:
    """Press a button in the line before the form."""
    selector = f'.offlinesync-drafts [data-offlinesync-action="{action}"]'
    wait_until(lambda: stage.driver.find_elements(By.CSS_SELECTOR, selector), f"the button {action} is there")
    stage.driver.find_element(By.CSS_SELECTOR, selector).click()


def crash(stage: Stage, path: str = FORM) -> None:
    """The browser goes down, and the page is opened anew."""
    stage.browser.kill()
    stage.browser.start()
    stage.open(path)


def leave_draft(stage: Stage, title: str) -> None:
    """Write something, and have the browser go down before it is sent."""
    stage.open(FORM)
    pages.fill(stage, title)
    wait_for_draft(stage, title)
    crash(stage)


def empty(stage: Stage) -> None:
    """Take everything out of the form again."""
    for name in ("title", "location", "body"):
        stage.driver.find_element(By.NAME, name).clear()


def assert_nothing_is_offered(stage: Stage, title: str = "Another") -> None:
    """Open the form and write into it: by the time that is kept, what there is to be offered has been."""
    stage.open(FORM)
    pages.fill(stage, title)
    wait_until(lambda: KEPT in lines(stage), "drafts are at work")
    assert lines(stage) == [KEPT]


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_a11_p2_what_was_typed_is_offered_after_a_crash_and_gone_when_it_is_sent(stage: Stage) -> None:
    leave_draft(stage, TITLE)
    wait_until(lambda: lines(stage) == [OFFER], "it is offered")
    assert pages.typed(stage.driver, "title") == ""
    press(stage, "put-back")
    wait_until(lambda: pages.typed(stage.driver, "title") == TITLE, "it stands in the form")
    wait_until(lambda: lines(stage) == [KEPT], "it is kept on, and no longer offered")
    stage.proxy.on(None, proxy.refuse)
    pages.submit(stage)
    wait_until(lambda: pages.outbox(stage.driver)["entries"] == 1, "it is saved")
    assert drafts(stage) == []
    wait_until(lambda: lines(stage) == [], "there is nothing more to say")
    stage.proxy.heal()
    stage.open(LIST)
    pages.wait_for_post(stage, TITLE)
    pages.wait_for_empty_outbox(stage)
    pages.only_post(stage, TITLE)
    assert_nothing_is_offered(stage)


@pytest.mark.wide
def test_a11_p4_a_draft_is_its_owners_alone(stage: Stage) -> None:
    pages.sign_in(stage, "demo1")
    stage.open(FORM)
    pages.fill(stage, TITLE)
    wait_for_draft(stage, TITLE)
    stage.open(LIST)
    stage.open(FORM)
    wait_until(lambda: lines(stage) == [OFFER], "it is offered to whoever wrote it")
    pages.sign_out(stage)
    for username in (None, "demo2"):
        if username:
            pages.sign_in(stage, username)
        assert_nothing_is_offered(stage)
        empty(stage)
        wait_for_draft(stage, TITLE)
    pages.sign_out(stage)
    pages.sign_in(stage, "demo1")
    stage.open(FORM)
    wait_until(lambda: lines(stage) == [OFFER], "it is offered to them again")


def test_a_draft_that_stands_in_another_tab_is_not_offered_and_neither_is_lost(stage: Stage) -> None:
    stage.open(FORM)
    pages.fill(stage, TITLE)
    wait_for_draft(stage, TITLE)
    pages.new_tab(stage.driver)
    assert_nothing_is_offered(stage, "In another tab")
    wait_for_draft(stage, TITLE, "In another tab")
    crash(stage)
    wait_until(lambda: lines(stage) == [OFFER], "the newest is offered")
    press(stage, "put-back")
    wait_until(lambda: pages.typed(stage.driver, "title") == "In another tab", "it stands in the form")
    wait_until(lambda: lines(stage) == [OFFER, KEPT], "the other one is offered now")


def test_p2_putting_a_draft_back_keeps_what_stands_in_the_form(stage: Stage) -> None:
    leave_draft(stage, TITLE)
    wait_until(lambda: lines(stage) == [OFFER], "it is offered")
    write_title(stage, "Typed since")
    press(stage, "put-back")
    wait_until(lambda: pages.typed(stage.driver, "title") == TITLE, "it stands in the form")
    wait_until(lambda: lines(stage) == [OFFER, KEPT], "what stood there is offered")
    press(stage, "put-back")
    wait_until(lambda: pages.typed(stage.driver, "title") == "Typed since", "and comes back")
    wait_for_draft(stage, TITLE, "Typed since")


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p2_a_draft_is_removed_by_hand_and_that_can_be_undone(stage: Stage) -> None:
    leave_draft(stage, TITLE)
    press(stage, "discard-draft")
    wait_until(lambda: lines(stage) == ["It was removed from this device."], "it says so")
    assert drafts(stage) == []
    assert stage.driver.execute_script("return document.activeElement.dataset.offlinesyncAction") == "undo-draft"
    press(stage, "undo-draft")
    wait_until(lambda: lines(stage) == [OFFER], "it is offered again")
    wait_for_draft(stage, TITLE)
    press(stage, "discard-draft")
    wait_for_draft(stage)
    assert_nothing_is_offered(stage)


def test_what_is_taken_out_of_the_form_again_leaves_no_draft(stage: Stage) -> None:
    stage.open(FORM)
    pages.fill(stage, TITLE)
    wait_for_draft(stage, TITLE)
    empty(stage)
    wait_for_draft(stage)
    wait_until(lambda: lines(stage) == [], "nothing is said to be kept")


def test_p2_what_the_browser_puts_back_itself_is_not_offered_as_well(stage: Stage) -> None:
    stage.open(FORM)
    pages.fill(stage, TITLE)
    wait_for_draft(stage, TITLE)
    stage.open(LIST)
    words = {"title": TITLE, "location": "Coach 9", "body": "Rain.\nThen none."}
    pages.before_load(stage, PUT_BACK_SCRIPT % json.dumps(words))
    stage.open(FORM)
    assert pages.typed(stage.driver, "title") == TITLE
    stage.driver.find_element(By.NAME, "title").send_keys("!")
    wait_for_draft(stage, f"{TITLE}!")
    assert lines(stage) == [KEPT]


def test_a11_p3_what_corrects_something_refused_does_so_after_a_crash(stage: Stage) -> None:
    refuse_one(stage, "Refused for its photo")
    (entry,) = pages.entries(stage.driver)
    stage.open(f"{FORM}#offlinesync-{entry['id']}")
    wait_until(lambda: pages.typed(stage.driver, "title") != "", "it stands in its form")
    write_title(stage, TITLE)
    wait_for_draft(stage, TITLE)
    crash(stage)
    press(stage, "put-back")
    wait_until(lambda: pages.typed(stage.driver, "title") == TITLE, "it stands in the form")
    assert pages.errors(stage.driver), "with what the site has said of it"
    correct(stage)
    pages.only_post(stage, TITLE)
    assert [row["submission_id"] for row in stage.site.ledger()] == [str(entry["id"]).replace("-", "")]
    assert pages.outbox(stage.driver)["entries"] == 0


def test_files_are_said_to_be_chosen_again(stage: Stage) -> None:
    stage.open(FORM)
    pages.fill(stage, TITLE, file=pages.photo_file(stage, pages.photo()))
    wait_until(lambda: [draft["hasFiles"] for draft in records(stage)] == [True], "it is known that there was one")
    crash(stage)
    wait_until(lambda: lines(stage) == [OFFER], "it is offered")
    assert FILES in stage.driver.find_element(By.CSS_SELECTOR, ".offlinesync-draft").text


def test_a_form_whose_password_is_shown_as_text_is_not_saved_on_the_device(stage: Stage) -> None:
    pages.before_load(stage, PASSWORD + SECOND_FORM)
    stage.open(FORM)
    stage.driver.execute_script('document.querySelector("[type=password]").type = "text"')
    pages.fill(stage, TITLE)
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, TITLE)
    assert stage.site.ledger() == [], "the browser has posted it itself"


@pytest.mark.parametrize("is_shown", [False, True], ids=["hidden", "shown"])
def test_a_form_with_a_password_leaves_no_draft(stage: Stage, is_shown: bool) -> None:
    pages.before_load(stage, PASSWORD)
    stage.open(FORM)
    if is_shown:
        stage.driver.execute_script('document.querySelector("[type=password]").type = "text"')
    pages.fill(stage, TITLE)
    # What would be kept of it is kept when its page is hidden at the latest.
    pages.new_tab(stage.driver)
    stage.open(FORM)
    pages.fill(stage, "Without one")
    wait_for_draft(stage, "Without one")


def test_a1_where_nothing_can_be_kept_any_more_it_says_so_and_the_form_is_sent_all_the_same(stage: Stage) -> None:
    stage.open(FORM)
    pages.fill(stage, TITLE)
    wait_until(lambda: lines(stage) == [KEPT], "it is kept")
    stage.driver.execute_script(REFUSE_WRITES)
    stage.driver.find_element(By.NAME, "title").send_keys("!")
    wait_until(lambda: lines(stage) == [NOT_KEPT], "it says so")
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, f"{TITLE}!")
    wait_until(lambda: drafts(stage) == [], "the draft has gone with its entry")
