"""One entry for one act, however the browser brings a form back (row A8).

Chromium keeps the page whole where it can; Firefox loads it anew under WebDriver, and puts the text back.
"""

from __future__ import annotations

import json

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.firefox.webdriver import WebDriver as FirefoxDriver

from . import pages, proxy
from .matrix import wide
from .pages import FORM, LIST
from .proxy import SUBMISSIONS
from .stage import Stage
from .test_form import REFUSED, broken_photo, good_photo, wait_for_refusal
from .test_odd_pages import correct, open_refused, refuse_one
from .test_refilled_forms import ROWS
from .waiting import wait_until

TITLE = "Once is enough"
MARK = "window.isTheSamePage = true"
BODY = "Rain.\nThen none."
# As Firefox does in a duplicated tab, sooner or later than the client looks.
PUT_BACK_SCRIPT = """
const words = %s;
const timer = setInterval(() => {
  for (const [name, text] of Object.entries(words)) {
    const control = document.querySelector(`[name=${name}]`);
    if (control) control.value = text;
    control?.dispatchEvent(new Event("input", { bubbles: true }));
  }
  if (performance.getEntriesByName("offlinesync:start").length) clearInterval(timer);
});
"""
# A device whose database is busy until the test lets go.
HOLD_DATABASE_SCRIPT = """
const [name, path] = %s;
const request = indexedDB.open(name);
request.onsuccess = () => {
  const { result: database } = request;
  const entries = database.transaction(["entries", "files", "state"], "readwrite").objectStore("entries");
  const goOn = () => {
    if (window.letGo || location.pathname !== path) database.close();
    else entries.count().onsuccess = goOn;
  };
  goOn();
};
"""
WHY_ANEW = "return performance.getEntriesByType('navigation')[0].notRestoredReasons"


def leave_and_come_back(stage: Stage) -> None:
    """Follow a link to another page, and go back."""
    stage.driver.find_element(By.CSS_SELECTOR, "nav a").click()
    pages.wait_for_title(stage.driver, "Posts")
    stage.driver.back()
    pages.wait_for_title(stage.driver, "Write a post")


def come_back(stage: Stage, path: str, words: dict[str, str] | None = None) -> None:
    """What stood in the page's form is put back, and its database lets nobody read before the button is pressed."""
    put_back = PUT_BACK_SCRIPT % json.dumps(words) if words else ""
    pages.before_load(stage, put_back + HOLD_DATABASE_SCRIPT % json.dumps([pages.OUTBOX, path]))


def press_early(stage: Stage) -> None:
    """Press the button, and then let the outbox be read."""
    pages.wait_for_client(stage)
    pages.submit(stage)
    stage.driver.execute_script("window.letGo = true")


def duplicate_tab(stage: Stage) -> None:
    """Duplicate the current tab as a person does, and go on in the new one."""
    driver = stage.driver
    assert isinstance(driver, FirefoxDriver)
    before = set(driver.window_handles)
    with driver.context("chrome"):
        driver.execute_script("gBrowser.duplicateTab(gBrowser.selectedTab)")
    wait_until(lambda: len(driver.window_handles) == 2, "there is a second tab")
    driver.switch_to.window((set(driver.window_handles) - before).pop())
    pages.wait_for_title(driver, "Write a post")
    pages.wait_for_client(stage)


def hold(stage: Stage) -> proxy.Gate:
    """Open the form, send a post, and hold it on its way."""
    gate = proxy.Gate()
    stage.open(FORM)
    stage.proxy.on(SUBMISSIONS, gate.before_request)
    pages.fill(stage, TITLE)
    pages.submit(stage)
    wait_until(lambda: gate.held, "the post is being sent")
    return gate


def send_from_the_next_page(stage: Stage) -> None:
    """Leave the form while its post is on the way, so that it stands there still, until the post has arrived."""
    gate = hold(stage)
    stage.driver.find_element(By.CSS_SELECTOR, "nav a").click()
    pages.wait_for_title(stage.driver, "Posts")
    gate.open()
    pages.wait_for_post(stage, TITLE)
    pages.wait_for_empty_outbox(stage)


@pytest.mark.wide
@pytest.mark.parametrize("engine", ["chromium", "firefox"])
def test_a8_going_back_while_it_is_sent_does_not_offer_it_again(stage: Stage) -> None:
    gate = hold(stage)
    leave_and_come_back(stage)
    wait_until(lambda: pages.typed(stage.driver, "title") == "", "the form is empty")
    assert len(pages.entries(stage.driver)) == 1
    gate.open()
    stage.proxy.heal()
    stage.open(LIST)
    pages.wait_for_post(stage, TITLE)
    pages.wait_for_empty_outbox(stage)
    # Another act is another post, though it says the same.
    pages.write_post(stage, TITLE)
    pages.wait_for_title(stage.driver, "Posts")
    assert len(stage.site.posts(TITLE)) == 2


@pytest.mark.parametrize("engine", [wide("chromium"), "firefox"])
def test_a8_what_was_refused_is_one_act_when_it_is_come_back_to(stage: Stage) -> None:
    pages.write_post(stage, TITLE, file=broken_photo(stage))
    wait_for_refusal(stage)
    stage.driver.find_element(By.NAME, "title").send_keys(", if it is right")
    leave_and_come_back(stage)
    wait_for_refusal(stage)
    pages.wait_for_status(stage.driver, REFUSED)
    assert pages.typed(stage.driver, "title") == f"{TITLE}, if it is right"
    assert pages.typed(stage.driver, "photo").endswith("broken.png")
    stage.driver.find_element(By.NAME, "photo").send_keys(str(good_photo(stage)))
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, TITLE)
    assert pages.outbox(stage.driver) == {"entries": 0, "files": 0}
    assert len({entry for delivery in stage.proxy.deliveries for entry in delivery.ids}) == 1


def test_a8_going_back_after_it_was_sent_shows_an_empty_form(stage: Stage) -> None:
    # Chromium keeps no page that a new worker claims, or that is given the lock: the worker must be through with both.
    pages.deny_background_sync(stage)
    pages.keep_pages(stage)
    stage.open(FORM)
    stage.driver.execute_script(MARK)
    pages.fill(stage, TITLE)
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    stage.driver.back()
    pages.wait_for_title(stage.driver, "Write a post")
    is_the_same = stage.driver.execute_script(f"return {MARK.partition(' ')[0]}")
    assert is_the_same, f"from the back/forward cache; {stage.driver.execute_script(WHY_ANEW)}"
    pages.wait_for_status(stage.driver, "It was sent.")
    assert pages.typed(stage.driver, "title") == ""
    pages.fill(stage, "Something else")
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, "Something else")
    pages.only_post(stage, TITLE)


@pytest.mark.wide
def test_a8_an_id_is_kept_for_what_the_browser_has_put_back_after_it_arrived(stage: Stage) -> None:
    send_from_the_next_page(stage)
    stage.driver.back()
    pages.wait_for_title(stage.driver, "Write a post")
    pages.wait_for_client(stage)
    assert pages.typed(stage.driver, "title") == TITLE, "the browser has put it back"
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, TITLE)
    assert len(stage.site.ledger()) == 1


def test_a8_what_is_sent_before_the_outbox_can_be_read_keeps_its_id(stage: Stage) -> None:
    send_from_the_next_page(stage)
    come_back(stage, FORM)
    stage.driver.back()
    pages.wait_for_title(stage.driver, "Write a post")
    assert pages.typed(stage.driver, "title") == TITLE, "the browser has put it back"
    press_early(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, TITLE)
    assert len(stage.site.ledger()) == 1


@pytest.mark.wide
@pytest.mark.parametrize("engine", ["firefox"])
@pytest.mark.parametrize("arguments", [("-remote-allow-system-access",)])
def test_a8_a_duplicated_tab_is_the_same_act(stage: Stage) -> None:
    gate = hold(stage)
    duplicate_tab(stage)
    # Firefox fills the new tab before it has been looked through, or after it.
    pages.submit(stage)
    wait_until(lambda: pages.typed(stage.driver, "title") == "", "it is not offered again")
    assert len(pages.entries(stage.driver)) == 1
    gate.open()
    pages.wait_for_post(stage, TITLE)
    pages.wait_for_empty_outbox(stage)
    pages.only_post(stage, TITLE)
    assert len(stage.site.ledger()) == 1


def test_a8_what_was_refused_is_the_same_act_where_it_is_put_back_early(stage: Stage) -> None:
    """Words are put back as if they were typed, and a file never is."""
    pages.write_post(stage, TITLE, file=broken_photo(stage))
    wait_for_refusal(stage)
    pages.before_load(stage, PUT_BACK_SCRIPT % json.dumps({"title": TITLE, "location": "Coach 9", "body": BODY}))
    pages.reload(stage)
    wait_for_refusal(stage)
    assert pages.typed(stage.driver, "title") == TITLE


def test_a8_p2_what_was_refused_is_seen_again_though_it_is_sent_before_the_outbox_can_be_read(stage: Stage) -> None:
    pages.write_post(stage, TITLE, file=broken_photo(stage))
    wait_for_refusal(stage)
    come_back(stage, FORM, {"title": TITLE, "location": "Coach 9", "body": BODY})
    pages.reload(stage)
    # The browser puts no file back, and what is sent now would take the place of what has one.
    press_early(stage)
    wait_for_refusal(stage)
    assert pages.typed(stage.driver, "photo").endswith("broken.png")
    assert pages.outbox(stage.driver) == {"entries": 1, "files": 1}
    stage.driver.find_element(By.NAME, "photo").send_keys(str(good_photo(stage)))
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, TITLE)
    assert pages.outbox(stage.driver) == {"entries": 0, "files": 0}


@pytest.mark.wide
@pytest.mark.parametrize("engine", ["firefox"])
@pytest.mark.parametrize("arguments", [("-remote-allow-system-access",)])
def test_a8_what_was_refused_is_the_same_act_in_a_duplicated_tab(stage: Stage) -> None:
    pages.write_post(stage, TITLE, file=broken_photo(stage))
    wait_for_refusal(stage)
    duplicate_tab(stage)
    wait_for_refusal(stage)
    assert pages.typed(stage.driver, "title") == TITLE
    stage.driver.find_element(By.NAME, "photo").send_keys(str(good_photo(stage)))
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, TITLE)
    assert pages.outbox(stage.driver) == {"entries": 0, "files": 0}


@pytest.mark.wide
@pytest.mark.parametrize("arguments", [("--disable-features=BackForwardCache",)])
def test_p2_a8_the_way_back_loses_no_value_that_has_no_control(stage: Stage) -> None:
    """The browser loads the page anew, and puts back what it had sent and what the person has typed."""
    refuse_one(stage, "Come back to", ROWS)
    open_refused(stage)
    stage.driver.find_element(By.NAME, "title").send_keys(", as typed")
    leave_and_come_back(stage)
    pages.wait_for_status(stage.driver, REFUSED)
    assert pages.typed(stage.driver, "title") == "Come back to, as typed"
    correct(stage)
    (sent,) = stage.proxy.deliveries[-1].batch["submissions"]
    for name, values in {"without": ["a", "b", "c"], "fewer": ["1", "2", "3"], "train": ["express"]}.items():
        assert [value for field, value in sent["fields"] if field == name] == values
