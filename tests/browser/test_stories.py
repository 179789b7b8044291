"""The demo's stories, as a visitor lives through each: tasks of two people, a shop, and a survey in the field."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from . import pages, proxy
from .matrix import CHROMIUM_FIRST, wide
from .stage import Stage
from .test_conflicts import CHANGED, TAKE_THIS
from .test_pending import ONLINE
from .waiting import wait_until

# A list of the site's own shows no more of what waits; the status counts all of it.
MOST_PENDING = 50
TASK = "Replace the seal of well 14"
KEPT = """
const [path, owner, done] = arguments;
(async () => {
  const all = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
  const kept = await Promise.all(all.map((cache) => cache.match(path, { ignoreVary: true })));
  const pages = await Promise.all(kept.filter(Boolean).map((response) => response.text()));
  return pages.some((page) => page.includes(`name="offlinesync-owner" content="${owner}"`));
})().then(done, (error) => done(String(error)));
"""
NOTE_SCRIPT = """
const [fields] = arguments;
const form = document.querySelector("main form");
for (const [name, value] of Object.entries(fields)) {
  if (form.elements[name] instanceof RadioNodeList) form.querySelector(`[name="${name}"][value="${value}"]`).click();
  else form.elements[name].value = value;
}
form.querySelector("[type=submit]").click();
"""
SHEET = """
return {
  arrived: document.querySelector(".sum strong").textContent,
  pending: document.querySelectorAll("tbody .pending").length,
};
"""
WANTED = """
const lines = [...document.querySelectorAll(".row.pending li")];
return lines.filter(({ offsetParent }) => offsetParent).map((line) => line.textContent);
"""
ROWS = """
return Object.fromEntries([...document.querySelectorAll(".row")].map((row) => [
  row.querySelector("h2").textContent,
  [...row.querySelectorAll(".pending")].map((each) => each.querySelector("strong").textContent),
]));
"""


def database(stage: Stage, statement: str, *values: object) -> list[tuple[object, ...]]:
    """What a statement on the site's database comes to."""
    with closing(sqlite3.connect(stage.site.data / "db.sqlite3")) as connection, connection:
        return connection.execute(statement, values).fetchall()


def keep(stage: Stage, *paths: str, owner: str = "") -> None:
    """Visit these pages, and wait until the device has them for their reader."""
    pages.wait_for_worker(stage)
    for path in paths:
        stage.open(path)
        wait_until(lambda path=path: stage.driver.execute_async_script(KEPT, path, owner) is True, f"{path} is kept")


def write(stage: Stage, **texts: str) -> None:
    """Fill in the form on the screen."""
    for name, text in texts.items():
        control = stage.driver.find_element(By.NAME, name)
        control.clear()
        control.send_keys(text)


def press(stage: Stage, button: WebElement) -> None:
    """Press one of the page's buttons, clear of the status that sticks to its top."""
    stage.driver.execute_script("arguments[0].click()", button)


def button_named(stage: Stage, name: str) -> WebElement:
    """The button of which all the words are these."""
    buttons = stage.driver.find_elements(By.CSS_SELECTOR, "main button")
    (found,) = [each for each in buttons if each.get_property("textContent") == name]
    return found


def told(stage: Stage) -> list[str]:
    """What the form on the screen says of its fields."""
    return [" ".join(line.text.split()) for line in stage.driver.find_elements(By.CSS_SELECTOR, ".errorlist li")]


def come_back_refused(stage: Stage) -> None:
    """The site is there again, and does not take what waits."""
    stage.proxy.heal()
    stage.open(pages.LIST)
    wait_until(lambda: [each["state"] for each in pages.entries(stage.driver)] == ["refused"], "one is refused")
    wait_until(lambda: stage.driver.find_elements(By.CSS_SELECTOR, "[data-offlinesync-open]"), "it is listed")
    pages.press_in_list(stage, "[data-offlinesync-open]")
    wait_until(lambda: stage.driver.find_elements(By.CSS_SELECTOR, ".errorlist"), "its form says why")


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_e1_two_people_tick_off_and_edit_the_same_task(stage: Stage) -> None:
    pages.deny_background_sync(stage)
    pages.sign_in(stage, "demo1")
    ((pk,),) = database(stage, "SELECT id FROM tasks_task WHERE title = ?", TASK)
    keep(stage, "/tasks/", f"/tasks/{pk}/", owner=stage.site.user_id("demo1"))

    stage.proxy.on(None, proxy.refuse)
    stage.open("/tasks/")
    press(stage, button_named(stage, f"Tick off: {TASK}"))
    pages.wait_for_saved(stage, waiting=1, is_denied=True)
    stage.open(f"/tasks/{pk}/")
    write(stage, notes="The spare does not fit.")
    pages.submit(stage)
    pages.wait_for_saved(stage, waiting=2, is_denied=True)
    stage.open("/tasks/")
    both = ["What you pressed here is kept on this device.", "What you wrote is kept on this device:"]
    wait_until(lambda: stage.driver.execute_script(ROWS)[TASK] == both, "the task says what waits for it")
    others = [waits for title, waits in stage.driver.execute_script(ROWS).items() if title != TASK]
    assert others == [[]] * 4

    database(stage, "UPDATE tasks_task SET notes = 'I have taken the spare.', done = 1 WHERE id = ?", pk)
    come_back_refused(stage)
    pages.wait_for_status(stage.driver, CHANGED)
    assert told(stage) == [f"There now: I have taken the spare. {TAKE_THIS}"]
    assert pages.typed(stage.driver, "notes") == "The spare does not fit."
    write(stage, notes="Demo2 has the spare, and it does not fit.")
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Tasks")
    pages.wait_for_empty_outbox(stage)
    found = database(stage, "SELECT notes, done FROM tasks_task WHERE id = ?", pk)
    assert found == [("Demo2 has the spare, and it does not fit.", 1)]
    assert len(stage.site.ledger()) == 2


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p2_what_has_run_out_meanwhile_is_told_at_its_product_and_the_rest_is_there(stage: Stage) -> None:
    pages.deny_background_sync(stage)
    pages.sign_in(stage, "demo1")
    keep(stage, "/shop/", "/shop/orders/", owner=stage.site.user_id("demo1"))
    ((socks,),) = database(stage, "SELECT id FROM shop_product WHERE name = 'Wool socks'")

    stage.proxy.on(None, proxy.refuse)
    stage.open("/shop/")
    write(stage, **{f"product_{socks}": "4", "name": "Ann", "address": "The hut on the ridge"})
    press(stage, button_named(stage, "Order"))
    pages.wait_for_saved(stage, waiting=1, is_denied=True)
    stage.open("/shop/orders/")
    wait_until(lambda: stage.driver.execute_script(WANTED) == ["4 × Wool socks"], "what waits stands with the orders")

    database(stage, "UPDATE shop_product SET stock = 2 WHERE id = ?", socks)
    come_back_refused(stage)
    assert told(stage) == ["Only 2 of “Wool socks” are left. Order fewer."]
    fields = [pages.typed(stage.driver, name) for name in (f"product_{socks}", "name", "address")]
    assert fields == ["4", "Ann", "The hut on the ridge"]
    assert stage.driver.execute_script(pages.FOCUS_SCRIPT) == f"product_{socks}"
    write(stage, **{f"product_{socks}": "2"})
    press(stage, button_named(stage, "Order"))
    pages.wait_for_title(stage.driver, "Your orders")
    pages.wait_for_empty_outbox(stage)
    assert database(stage, "SELECT stock FROM shop_product WHERE id = ?", socks) == [(0,)]
    assert database(stage, "SELECT quantity FROM shop_orderline") == [(2,)]


@pytest.mark.parametrize(
    ("engine", "number"), [("chromium", 30), wide("firefox", 30), wide("webkitgtk", 30), wide("chromium", 300)]
)
def test_p1_p3_a_day_in_the_field_arrives_once_and_whole(stage: Stage, number: int) -> None:
    pages.deny_background_sync(stage)
    pages.keep_pages(stage)
    keep(stage, "/survey/", "/survey/new/")
    ((seeded,),) = database(stage, "SELECT count(*) FROM survey_observation")

    stage.proxy.on(None, proxy.refuse)
    stage.open("/survey/new/")
    sites = [f"Station {each}" for each in range(number)]
    for waiting, site in enumerate(sites, start=1):
        fields = {"site": site, "date": "2026-05-04", "count": str(waiting), "condition": "worn"}
        stage.driver.execute_script(NOTE_SCRIPT, fields)
        pages.wait_for_saved(stage, waiting=waiting, is_denied=True)
        assert pages.typed(stage.driver, "site") == "", "the form is ready for the next"
    stage.open("/survey/")
    before = {"arrived": str(seeded), "pending": min(number, MOST_PENDING)}
    wait_until(lambda: stage.driver.execute_script(SHEET) == before, "the newest of them stand in the list")

    stage.proxy.heal()
    stage.driver.execute_script(ONLINE)
    pages.wait_for_empty_outbox(stage, seconds=120)
    after = {"arrived": str(seeded + number), "pending": 0}
    wait_until(lambda: stage.driver.execute_script(SHEET) == after, "the list has the real ones")
    found = database(stage, "SELECT site FROM survey_observation WHERE site LIKE 'Station %' ORDER BY count")
    assert [site for (site,) in found] == sites
    assert len(stage.site.ledger()) == number


def test_the_form_is_ready_for_the_next_and_says_that_the_last_has_arrived(stage: Stage) -> None:
    for number in range(1, 3):
        stage.open("/survey/new/")
        fields = {"site": f"Station {number}", "date": "2026-05-04", "count": "1", "condition": "good"}
        stage.driver.execute_script(NOTE_SCRIPT, fields)
        pages.wait_for_status(stage.driver, "The observation has arrived.")
        assert pages.typed(stage.driver, "site") == ""
        assert len(stage.site.ledger()) == number
