"""On the device, before the entry is safe (rows A1, A2, A6, A10; promises P1 and P7)."""

from __future__ import annotations

import random

import pytest
from selenium.webdriver.common.by import By

from . import pages, proxy
from .matrix import CHROMIUM_FIRST, wide
from .pages import FORM, LIST
from .proxy import PARTS, SESSION, SUBMISSIONS
from .stage import Stage
from .waiting import wait_until

TITLE = "Nearly full"
NOT_SAVED = (
    "This was not saved on this device. What you wrote is still in the form: press the button again when you are "
    "online to send it."
)

# Everything the status has ever said, for what must not be said even for a moment.
LISTEN = """
window.said = [];
new MutationObserver(() => {
  const region = document.querySelector("[data-offlinesync-status]");
  if (region) window.said.push(region.textContent);
}).observe(document, { childList: true, subtree: true, characterData: true });
"""
# Each write succeeds, and then its transaction is aborted, as happens when the disk fills between the two.
ABORT_AFTER_WRITING = """
for (const name of ["add", "put"]) {
  const write = IDBObjectStore.prototype[name];
  IDBObjectStore.prototype[name] = function (...args) {
    const request = write.apply(this, args);
    request.addEventListener("success", () => { window.wroteOnce = true; this.transaction.abort(); });
    return request;
  };
}
"""
NOTE_DURABILITY = """
window.durabilities = [];
const transaction = IDBDatabase.prototype.transaction;
IDBDatabase.prototype.transaction = function (stores, mode, options) {
  const made = transaction.call(this, stores, mode, options);
  if (mode === "readwrite") window.durabilities.push(made.durability);
  return made;
};
"""
WITHOUT_STORAGE_MANAGER = "Object.defineProperty(Navigator.prototype, 'storage', { value: undefined });"
NO_INDEXEDDB = {
    "missing": "Object.defineProperty(window, 'indexedDB', { value: undefined });",
    "refused": """
        IDBFactory.prototype.open = () => { throw new DOMException("The operation is insecure.", "SecurityError"); };
    """,
    "failing": """
        IDBFactory.prototype.open = () => {
          const request = new EventTarget();
          request.error = new DOMException("Internal error.", "UnknownError");
          setTimeout(() => request.onerror?.(new Event("error")));
          return request;
        };
    """,
    "hanging": "IDBFactory.prototype.open = () => new EventTarget();",
}

NO_ROOM = (
    "There is no room for this on your device, so it was not saved here. What you wrote is still in the form: press "
    "the button again when you are online to send it. Or let there be room first, or choose smaller files."
)
LARGEST_WHOLE = 1024 * 1024


def fill_the_disk(stage: Stage) -> None:
    """Leave the site's origin no room."""
    stage.driver.execute_cdp_cmd("Storage.overrideQuotaForOrigin", {"origin": stage.url, "quotaSize": 1})


def assert_never_said_saved(stage: Stage) -> None:
    """The page has not claimed for a moment that anything is saved."""
    said = stage.driver.execute_script("return window.said")
    assert said
    assert not [text for text in said if "Saved on this device" in text]


def assert_kept_in_the_form(stage: Stage) -> None:
    """The form is as it was before the button was pressed, and nothing lies on the device."""
    assert pages.typed(stage.driver, "title") == TITLE
    assert pages.typed(stage.driver, "body") == "Rain.\nThen none."
    assert pages.typed(stage.driver, "photo").endswith("seat.png")
    assert pages.outbox(stage.driver) == {"entries": 0, "files": 0}


@pytest.mark.parametrize("fault", ["quota", "aborted"])
def test_a1_a_full_device_with_no_network_keeps_the_form_filled(stage: Stage, fault: str) -> None:
    pages.before_load(stage, LISTEN)
    if fault == "aborted":
        pages.before_load(stage, ABORT_AFTER_WRITING)
    stage.open(FORM)
    if fault == "quota":
        fill_the_disk(stage)
    stage.proxy.on(None, proxy.refuse)
    photo = pages.photo(width=600)
    pages.fill(stage, TITLE, file=pages.photo_file(stage, photo))
    pages.submit(stage)
    pages.wait_for_status(stage.driver, NO_ROOM if fault == "quota" else NOT_SAVED)
    if fault == "aborted":
        assert stage.driver.execute_script("return window.wroteOnce")
    assert_kept_in_the_form(stage)
    assert_never_said_saved(stage)
    assert not [exchange for exchange in stage.proxy.requests(FORM) if exchange.method == "POST"]

    stage.proxy.heal()
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    assert stage.site.photo_of(pages.only_post(stage, TITLE)) == photo
    assert stage.site.ledger() == []


def test_a1_p7_a_full_device_posts_plainly_once_the_site_has_been_reached(stage: Stage) -> None:
    pages.before_load(stage, LISTEN)
    stage.open(FORM)
    fill_the_disk(stage)
    pages.fill(stage, TITLE, file=pages.photo_file(stage, pages.photo(width=600)))
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, TITLE)
    assert stage.site.ledger() == []
    assert not stage.proxy.requests(SUBMISSIONS)


def test_a1_p7_what_cannot_be_shown_does_not_keep_a_form_from_being_sent(stage: Stage) -> None:
    """The site's own texts lack a sentence."""
    stage.open(FORM)
    stage.driver.execute_script(pages.LOSE_TEXT % "not-saved")
    fill_the_disk(stage)
    pages.fill(stage, TITLE, file=pages.photo_file(stage, pages.photo(width=600)))
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, TITLE)


def test_a2_everything_is_written_with_strict_durability(stage: Stage) -> None:
    pages.before_load(stage, NOTE_DURABILITY)
    # So that the page writes it all, and the worker nothing.
    pages.deny_background_sync(stage)
    stage.open(FORM)
    stage.proxy.on(SUBMISSIONS, proxy.once(proxy.refuse))
    pages.fill(stage, TITLE)
    pages.submit(stage)
    pages.wait_for_post(stage, TITLE)
    pages.wait_for_empty_outbox(stage)
    durabilities = stage.driver.execute_script("return window.durabilities")
    assert durabilities == ["strict"] * 4, "who is signed in, saved, failed once, settled"


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
@pytest.mark.parametrize("size", [0, 1, 70_001, 8_000_000, wide(50_000_000)], ids="{}_bytes".format)
def test_a6_a_file_survives_the_device_to_the_byte(stage: Stage, size: int) -> None:
    content = random.Random(size).randbytes(size)
    stage.open(FORM)
    for path in (SESSION, SUBMISSIONS):
        stage.proxy.on(path, proxy.refuse)
    pages.fill(stage, TITLE, file=pages.photo_file(stage, content, "Straße 9 “seat”.png"))
    pages.submit(stage)
    wait_until(lambda: "Waiting to be sent: 1" in pages.status(stage.driver), "the file is saved")

    # Read back by another page than the one it was chosen on, which has gone before the site is back.
    stage.open(LIST)
    stage.proxy.heal()
    wait_until(lambda: "Needs your attention: 1 See what is wrong" in pages.status(stage.driver), "it was delivered")
    (delivery,) = stage.proxy.deliveries
    (submission,) = delivery.batch["submissions"]
    (file,) = submission["files"]
    # A large one comes in parts, before its submission.
    parts = [exchange.body for exchange in stage.proxy.requests(PARTS) if exchange.method == "POST"]
    assert (b"".join(parts) if parts else delivery.parts[file["part"]].content) == content
    assert bool(parts) == (size > LARGEST_WHOLE)
    assert (file["field"], file["name"], file["type"], file["size"]) == (
        "photo",
        "Straße 9 “seat”.png",
        "image/png",
        size,
    )
    # The site got all of it, and then found that it is no picture.
    (entry,) = pages.entries(stage.driver)
    assert entry["receipt"]["code"] == "invalid"
    assert set(entry["receipt"]["errors"]) == {"photo"}


def test_a10_without_a_storage_manager_it_is_saved_and_sent(stage: Stage) -> None:
    pages.before_load(stage, WITHOUT_STORAGE_MANAGER)
    stage.open(FORM)
    assert stage.driver.execute_script("return navigator.storage === undefined")
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    pages.fill(stage, TITLE)
    pages.submit(stage)
    pages.wait_for_status(stage.driver, pages.SAVED_SYNC, "Waiting to be sent: 1")
    stage.proxy.heal()
    pages.wait_for_post(stage, TITLE)
    pages.wait_for_empty_outbox(stage)


@pytest.mark.parametrize("how", [wide(how) if how == "hanging" else how for how in NO_INDEXEDDB])
def test_a10_p7_without_indexeddb_it_is_a_plain_form(stage: Stage, how: str) -> None:
    pages.before_load(stage, NO_INDEXEDDB[how])
    photo = pages.photo()
    pages.write_post(stage, TITLE, file=pages.photo_file(stage, photo))
    pages.wait_for_title(stage.driver, "Posts")
    assert stage.site.photo_of(pages.only_post(stage, TITLE)) == photo
    assert stage.site.ledger() == []
    assert not stage.proxy.requests(SUBMISSIONS)


def test_a10_p7_the_plain_form_still_shows_what_the_site_refuses(stage: Stage) -> None:
    pages.before_load(stage, NO_INDEXEDDB["refused"])
    pages.write_post(stage, TITLE, file=pages.photo_file(stage, b"this is no picture"))
    wait_until(lambda: "id_photo_error" in pages.errors(stage.driver), "the site's error stands in the form")
    assert pages.typed(stage.driver, "title") == TITLE
    stage.driver.find_element(By.NAME, "photo").send_keys(str(pages.photo_file(stage, pages.photo())))
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, TITLE)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p2_what_a_script_empties_at_once_is_sent_as_it_stood(stage: Stage) -> None:
    stage.open(FORM)
    pages.fill(stage, TITLE)
    stage.driver.execute_script("const form = document.querySelector('main form'); form.requestSubmit(); form.reset()")
    pages.wait_for_post(stage, TITLE)
    pages.wait_for_title(stage.driver, "Posts")
