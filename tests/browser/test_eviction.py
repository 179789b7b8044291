"""The browser may remove what lies on the device: it is asked not to, and a loss is told (rows A9 and A10)."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from . import pages, proxy
from .conftest import OpenStage
from .matrix import wide
from .pages import FORM, LIST, NEUTRAL
from .proxy import SUBMISSIONS
from .stage import Stage
from .test_delivery import background_sync
from .test_odd_pages import before_load
from .waiting import wait_until

# A sync that has failed is tried again at once.
ARGUMENTS = background_sync(initial_retry_delay_sec=1, retry_delay_factor=1)
ENVIRONMENT = {"DEMO_CSP_REPORT_URI": "/csp-reports/"}
TITLE = "Words that are nobody else's business"
KEPT = "Words worth a copy"
MISSING = (
    "The browser has removed what was saved on this device. Waiting here at your last visit: {count}. "
    "The oldest was saved: {since}. Look whether it has arrived, and write again what has not."
)
# What a browser may make of being asked.
PERSIST = {
    "never_answers": "new Promise(() => {})",
    "refuses": "Promise.resolve(false)",
    "fails": "Promise.reject(new TypeError('no'))",
    "throws": "(() => { throw new TypeError('no'); })()",
}
COUNT_PERSIST = """
window.asked = 0;
StorageManager.prototype.persist = () => {{ window.asked += 1; return {answer}; }};
"""
DELETE_SCRIPT = """
const [name, done] = arguments;
const request = indexedDB.deleteDatabase(name);
request.onsuccess = () => done();
"""
# Where a driver has no folder for what is downloaded: the name of the file, and what is in it.
CATCH_FILE_SCRIPT = """
const { createObjectURL } = URL;
let file;
URL.createObjectURL = (blob) => createObjectURL.call(URL, (file = blob));
HTMLAnchorElement.prototype.click = async function () {
  window.caught = [this.download, await file.text()];
};
"""
TRACES_SCRIPT = """
return Object.entries(localStorage).filter(([key]) => key.startsWith("offlinesync:"));
"""
TIME_SCRIPT = """
return new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" }).format(new Date(arguments[0]));
"""


@pytest.fixture(scope="module")
def shared(open_stage: OpenStage) -> Iterator[Stage]:
    """One browser and one site for this module."""
    with open_stage(arguments=ARGUMENTS, environment=ENVIRONMENT) as opened:
        pages.keep_pages(opened)
        yield opened


@pytest.fixture
def stage(shared: Stage) -> Iterator[Stage]:
    """The shared stage; whatever a test leaves on the device is gone after it."""
    yield shared
    shared.proxy.heal()
    pages.forget_entries(shared)
    shared.driver.execute_script("localStorage.clear()")
    shared.driver.delete_all_cookies()
    shared.proxy.exchanges.clear()


def traces(stage: Stage) -> dict[str, dict[str, Any]]:
    """What the page's storage keeps about the outbox, by its key."""
    return {key: json.loads(text) for key, text in stage.driver.execute_script(TRACES_SCRIPT)}


def missing(stage: Stage, since: object, *, count: int = 1) -> str:
    """The line about a loss."""
    return MISSING.format(count=count, since=stage.driver.execute_script(TIME_SCRIPT, since))


def save_unsent(stage: Stage, title: str = TITLE) -> object:
    """Write a post that the site does not get; when it was saved."""
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    pages.save_unsent(stage, title)
    (entry,) = pages.entries(stage.driver)
    return entry["captured_at"]


def delete_database(stage: Stage) -> None:
    """Remove the outbox as the browser does under pressure, with no page of the app open."""
    stage.open(NEUTRAL)
    stage.driver.execute_async_script(DELETE_SCRIPT, pages.OUTBOX)


def remove(folder: Path) -> None:
    """What a browser does that needs the room."""
    shutil.rmtree(folder)


def damage(folder: Path) -> None:
    """What a dying disk does."""
    for file in folder.rglob("*"):
        if file.is_file():
            file.write_bytes(b"\xff" * max(1, file.stat().st_size))


@pytest.mark.parametrize(
    ("engine", "harm"),
    [
        wide("chromium", damage),
        wide("chromium", remove),
        wide("firefox", damage),
        wide("firefox", remove),
    ],
)
def test_a9_what_is_gone_from_the_profile_is_missed_at_the_next_open(
    open_stage: OpenStage, engine: str, harm: Callable[[Path], None]
) -> None:
    with open_stage(engine) as stage:
        lose_and_be_told(stage, harm)


def lose_and_be_told(stage: Stage, harm: Callable[[Path], None]) -> None:
    """Save, have the profile harmed while the browser is not running, and read what the next page says."""
    since = save_unsent(stage)
    stage.open(NEUTRAL)
    stage.browser.stop()
    folders = [
        folder
        for pattern in ("**/IndexedDB/http_localhost*.indexeddb.leveldb", "storage/default/http+++localhost+*/idb")
        for folder in stage.browser.profile.glob(pattern)
    ]
    assert folders, "the browser keeps its databases in the profile"
    for folder in folders:
        harm(folder)

    stage.browser.start()
    stage.open(LIST)
    line = missing(stage, since)
    pages.wait_for_status(stage.driver, line)
    pages.reload(stage)
    pages.wait_for_status(stage.driver, line)
    stage.driver.find_element(By.CSS_SELECTOR, "[data-offlinesync-action=dismiss]").click()
    pages.wait_for_status(stage.driver)
    assert traces(stage) == {}

    # From here on it is an outbox like any other.
    stage.proxy.heal()
    pages.write_post(stage, "Written after the loss")
    pages.wait_for_post(stage, "Written after the loss")
    pages.wait_for_title(stage.driver, "Posts")
    pages.wait_for_status(stage.driver)


def test_a9_what_the_worker_has_delivered_is_not_missed(stage: Stage) -> None:
    save_unsent(stage)
    stage.open(NEUTRAL)
    assert traces(stage), "there is a trace to be reconciled"
    stage.proxy.heal()
    pages.wait_for_post(stage, TITLE)
    assert stage.proxy.deliveries[-1].from_worker
    pages.wait_for_empty_outbox(stage)

    stage.open(LIST)
    wait_until(lambda: not traces(stage), "the trace is reconciled")
    assert pages.status(stage.driver) == []
    delete_database(stage)
    stage.open(FORM)
    save_unsent(stage, "Another")
    assert not [line for line in pages.status(stage.driver) if "removed" in line]


@pytest.mark.wide
def test_a9_p4_a_loss_is_told_to_its_owner_only_and_the_trace_holds_no_words(stage: Stage) -> None:
    pages.sign_in(stage, "demo1")
    since = save_unsent(stage)
    (key,), (left,) = zip(*traces(stage).items(), strict=True)
    assert key == f"{pages.OUTBOX}:trace:{stage.site.user_id('demo1')}"
    assert set(left) == {"born", "count", "since"}
    assert TITLE not in str(left)
    stage.proxy.heal()
    stage.site.end_sessions()
    delete_database(stage)

    stage.open(LIST)
    pages.sign_in(stage, "demo2")
    pages.write_post(stage, "By somebody else")
    pages.wait_for_title(stage.driver, "Posts")
    pages.wait_for_status(stage.driver)
    pages.sign_out(stage)
    pages.wait_for_status(stage.driver)

    pages.sign_in(stage, "demo1")
    pages.wait_for_status(stage.driver, missing(stage, since))


def test_a9_a_loss_under_an_open_page_is_told_there(stage: Stage) -> None:
    since = save_unsent(stage)
    stage.driver.execute_async_script(DELETE_SCRIPT, pages.OUTBOX)
    stage.driver.execute_script("window.dispatchEvent(new Event('online'))")
    wait_until(lambda: missing(stage, since) in pages.status(stage.driver), "the page says what is missing")


@pytest.mark.parametrize("how", ["never_answers", *(wide(how) for how in ("refuses", "fails", "throws"))])
def test_a9_a10_the_browser_is_asked_once_to_keep_it_and_nobody_waits(stage: Stage, how: str) -> None:
    with before_load(stage, COUNT_PERSIST.format(answer=PERSIST[how])):
        stage.open(FORM)
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    asked = "return window.asked"
    assert stage.driver.execute_script(asked) == 0, "not before there is something to keep"
    for count in (1, 2):
        pages.fill(stage, f"{how}, {count}")
        pages.submit(stage)
        pages.wait_for_saved(stage, waiting=count)
    assert stage.driver.execute_script(asked) == 1


@pytest.mark.parametrize("engine", [wide("firefox"), wide("webkitgtk")])
def test_a9_the_file_to_keep_holds_what_waits_in_every_browser(open_stage: OpenStage, engine: str) -> None:
    with open_stage(engine) as stage:
        save_unsent(stage, KEPT)
        stage.driver.execute_script(CATCH_FILE_SCRIPT)
        stage.driver.execute_script("document.querySelector('[data-offlinesync-entries]').open = true")
        pages.press_in_list(stage, "[data-offlinesync-action=download]")
        name, text = wait_until(lambda: stage.driver.execute_script("return window.caught"), "the file is made")
        assert name == "kept-on-this-device.json"
        (kept,) = json.loads(text)["entries"]
        assert dict(kept["fields"])["title"] == KEPT


@pytest.mark.parametrize("engine", [wide("firefox"), wide("webkitgtk")])
def test_a9_a_loss_is_told_until_somebody_has_read_of_it_in_every_browser(open_stage: OpenStage, engine: str) -> None:
    with open_stage(engine) as stage:
        since = save_unsent(stage)
        delete_database(stage)
        stage.open(LIST)
        pages.wait_for_status(stage.driver, missing(stage, since))
        stage.driver.find_element(By.CSS_SELECTOR, "[data-offlinesync-action=dismiss]").click()
        pages.wait_for_status(stage.driver)
        pages.reload(stage)
        pages.wait_for_client(stage)
        assert traces(stage) == {}


def test_a9_p3_p4_one_keeps_ones_own_entries_as_a_file_and_the_site_takes_it_in_once(stage: Stage) -> None:
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    pages.save_unsent(stage, "Nobody's own")
    stage.proxy.heal()
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    pages.sign_in(stage, "demo1")
    photo = pages.photo()
    pages.save_unsent(stage, KEPT, file=pages.photo_file(stage, photo))
    pages.save_unsent(stage, "And another", waiting=2)
    folder = stage.site.data.parent / "downloads"
    stage.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
    stage.driver.execute_script("document.querySelector('[data-offlinesync-entries]').open = true")
    pages.press_in_list(stage, "[data-offlinesync-action=download]")
    file = folder / "kept-on-this-device.json"
    wait_until(file.exists, "the file is there")
    kept = json.loads(file.read_text())
    assert kept["site"] == stage.url
    first, second = kept["entries"]
    assert dict(first["fields"])["title"] == KEPT
    assert base64.b64decode(first["files"][0]["base64"]) == photo
    assert dict(second["fields"])["title"] == "And another"
    assert second["files"] == []

    said = stage.site.manage("offlinesync_import", str(file), "--owner", stage.site.user_id("demo1"))
    assert said.endswith("2 taken in, 0 here already, 0 not.\n")
    assert stage.site.photo_of(pages.only_post(stage, KEPT)) == photo
    # The device finds its way after all.
    stage.proxy.heal()
    stage.open(LIST)
    # What has failed alone rests for up to a minute.
    pages.wait_for_empty_outbox(stage, seconds=90)
    for title in (KEPT, "And another", "Nobody's own"):
        pages.only_post(stage, title)
    assert stage.site.policy_reports() == []
