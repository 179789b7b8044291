"""A form of which nobody knows whether it was saved, and a correction that cannot be (row A3, promises P3 and P7)."""

from __future__ import annotations

from selenium.webdriver.common.by import By

from . import pages, proxy
from .pages import FORM, LIST
from .proxy import SESSION
from .stage import Stage
from .test_capture import NOT_SAVED
from .test_form import broken_photo, good_photo, wait_for_refusal
from .test_storage import BUSY, KEEP_HANDLES
from .waiting import wait_until

TITLE = "Saved, or not"

# The next write reaches the disk without a word, and then the browser opens no database until it is mended. The sixty
# seconds that a transaction may take are one here.
WRITE_WITHOUT_A_WORD = """
const later = window.setTimeout;
window.setTimeout = (work, time, ...rest) => later.call(window, work, time === 60000 ? 1000 : time, ...rest);
const { transaction } = IDBDatabase.prototype;
const { open } = IDBFactory.prototype;
IDBDatabase.prototype.transaction = function (stores, mode, options) {
  const made = transaction.call(this, stores, mode, options);
  if (mode !== "readwrite") return made;
  IDBDatabase.prototype.transaction = transaction;
  for (const name of ["oncomplete", "onabort"]) Object.defineProperty(made, name, { set() {} });
  IDBFactory.prototype.open = () => { throw new DOMException("Not now.", "SecurityError"); };
  window.mend = () => { IDBFactory.prototype.open = open; };
  return made;
};
"""
# As a browser does that loses its storage, and says so.
LOSE_THE_DATABASE = """
IDBFactory.prototype.open = () => { throw new DOMException("Not now.", "SecurityError"); };
for (const handle of window.handles) {
  handle.close();
  handle.dispatchEvent(new Event("close"));
}
"""


def press(stage: Stage) -> None:
    """Press the button, and wait until it is free again, or the page is another one."""
    pages.submit(stage)
    wait_until(lambda: not stage.driver.execute_script(BUSY), "the button is free")


def plain_posts(stage: Stage) -> int:
    """How often the form was posted without us."""
    return sum(exchange.method == "POST" for exchange in stage.proxy.requests(FORM))


def refuse(stage: Stage) -> None:
    """Have the site refuse a post for its photo, and choose a photo that it takes."""
    pages.write_post(stage, TITLE, file=broken_photo(stage))
    wait_for_refusal(stage)
    stage.driver.find_element(By.NAME, "photo").send_keys(str(good_photo(stage)))


def test_a3_p7_what_may_have_been_saved_is_not_posted_plainly_as_well(stage: Stage) -> None:
    stage.open(FORM)
    stage.proxy.on(SESSION, proxy.refuse)
    pages.fill(stage, TITLE)
    stage.driver.execute_script(WRITE_WITHOUT_A_WORD)
    for _ in range(2):
        press(stage)
        pages.wait_for_status(stage.driver, NOT_SAVED)
        assert pages.typed(stage.driver, "title") == TITLE
    assert not plain_posts(stage)
    stage.driver.execute_script("window.mend()")
    pages.submit(stage)
    pages.wait_for_saved(stage, waiting=1)
    stage.proxy.heal()
    pages.wait_for_post(stage, TITLE)
    pages.wait_for_empty_outbox(stage)
    pages.only_post(stage, TITLE)
    assert not plain_posts(stage)


def test_p3_p7_a_correction_is_posted_plainly_only_by_a_second_press(stage: Stage) -> None:
    """What was refused lies in the outbox still, which cannot be reached."""
    pages.before_load(stage, KEEP_HANDLES)
    refuse(stage)
    stage.driver.execute_script(LOSE_THE_DATABASE)
    press(stage)
    pages.wait_for_status(stage.driver, NOT_SAVED)
    assert not plain_posts(stage)
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, TITLE)
    (entry,) = pages.entries(stage.driver)
    assert entry["state"] == "refused"


def test_a3_p3_a_correction_that_another_tab_has_sent_keeps_its_id(stage: Stage) -> None:
    refuse(stage)
    stage.driver.execute_script(WRITE_WITHOUT_A_WORD)
    press(stage)
    pages.wait_for_status(stage.driver, NOT_SAVED)
    first = pages.new_tab(stage.driver)
    stage.open(LIST)
    pages.wait_for_post(stage, TITLE)
    pages.wait_for_empty_outbox(stage)
    stage.driver.close()
    stage.driver.switch_to.window(first)
    stage.driver.execute_script("window.mend()")
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, TITLE)
    assert len(stage.site.ledger()) == 1
