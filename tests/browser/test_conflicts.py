"""Two people edit one thing: neither's words are lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from selenium.webdriver.common.by import By

from . import pages, proxy
from .matrix import CHROMIUM_FIRST
from .proxy import SUBMISSIONS
from .stage import Stage
from .test_drafts import crash, press, wait_for_draft
from .test_revisits import come_back, press_early
from .waiting import wait_until

CHANGED = (
    "Somebody else has changed this meanwhile. Yours is kept on this device: look at what is there now, and send "
    "yours again if it is to stand in its place."
)
TAKE_THIS = "Take this one"
TAKE_BACK = "Take mine back"


@pytest.fixture
def environment() -> dict[str, str]:
    return {"DJANGO_SETTINGS_MODULE": "tests.browser.with_urls", "DEMO_URLS": "tests.browser.editing"}


def database(stage: Stage, statement: str, *values: object) -> list[tuple[object, ...]]:
    """What a statement on the site's database comes to."""
    with closing(sqlite3.connect(stage.site.data / "db.sqlite3")) as connection, connection:
        return connection.execute(statement, values).fetchall()


def open_form(stage: Stage) -> str:
    """Open the page with a post's form; its path."""
    ((pk,),) = database(stage, "SELECT min(id) FROM posts_post")
    stage.open(f"/edit/{pk}/")
    return f"/edit/{pk}/"


def somebody_else_writes(stage: Stage, title: str) -> None:
    """The post has another title from now on."""
    database(stage, "UPDATE posts_post SET title = ? WHERE id = (SELECT min(id) FROM posts_post)", title)


def title_there(stage: Stage) -> object:
    """The post's title at the site."""
    return database(stage, "SELECT title FROM posts_post WHERE id = (SELECT min(id) FROM posts_post)")[0][0]


def write(stage: Stage, title: str) -> None:
    """Give the post another title, and press the button."""
    field = stage.driver.find_element(By.NAME, "title")
    field.clear()
    field.send_keys(title)
    pages.submit(stage)


def see_both(stage: Stage, mine: str, theirs: str) -> None:
    """The form has what was written, and beside it stands what is there now."""
    pages.wait_for_status(stage.driver, CHANGED)
    assert stage.driver.find_element(By.NAME, "title").get_attribute("value") == mine
    errors = [
        " ".join(element.text.split()) for element in stage.driver.find_elements(By.CSS_SELECTOR, ".errorlist li")
    ]
    assert errors == [f"There now: {theirs} {TAKE_THIS}"]
    assert title_there(stage) == theirs


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p2_e1_what_was_edited_offline_waits_beside_what_somebody_else_has_written(stage: Stage) -> None:
    pages.deny_background_sync(stage)
    path = open_form(stage)
    stage.proxy.on(None, proxy.refuse)
    write(stage, "Mine")
    pages.wait_for_saved(stage, waiting=1, is_denied=True)
    somebody_else_writes(stage, "Theirs")
    stage.proxy.heal()
    stage.open("/")
    listed = wait_until(
        lambda: stage.driver.execute_script("return document.querySelector('.offlinesync-current')?.innerText"),
        "the list says what is there now",
    )
    assert "Theirs" in str(listed)
    pages.press_in_list(stage, "[data-offlinesync-open]")
    wait_until(lambda: path in stage.driver.current_url, "the form is opened")
    see_both(stage, "Mine", "Theirs")
    pages.submit(stage)
    wait_until(lambda: title_there(stage) == "Mine", "the person has decided")
    pages.wait_for_empty_outbox(stage)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p2_e1_online_the_form_stays_with_both(stage: Stage) -> None:
    open_form(stage)
    somebody_else_writes(stage, "Theirs")
    write(stage, "Mine")
    see_both(stage, "Mine", "Theirs")
    # While the person looks at it, it changes once more.
    somebody_else_writes(stage, "Theirs again")
    answered = len(stage.proxy.requests(SUBMISSIONS))
    pages.submit(stage)
    wait_until(lambda: len(stage.proxy.requests(SUBMISSIONS)) > answered, "it is sent again")
    wait_until(lambda: "Theirs again" in stage.driver.find_element(By.TAG_NAME, "form").text, "it says so again")
    see_both(stage, "Mine", "Theirs again")
    pages.submit(stage)
    wait_until(lambda: title_there(stage) == "Mine", "the person has decided")
    pages.wait_for_empty_outbox(stage)


@pytest.mark.wide
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p2_e1_what_was_refused_counts_from_what_its_own_page_had_shown(stage: Stage) -> None:
    pages.deny_background_sync(stage)
    open_form(stage)
    stage.proxy.on(None, proxy.refuse)
    stage.driver.execute_script("document.querySelector('form').noValidate = true")
    write(stage, " ")
    pages.wait_for_saved(stage, waiting=1, is_denied=True)
    database(stage, "UPDATE posts_post SET location = 'Elsewhere' WHERE id = (SELECT min(id) FROM posts_post)")
    stage.proxy.heal()
    stage.open("/")
    wait_until(lambda: [entry["state"] for entry in pages.entries(stage.driver)] == ["refused"], "it is refused")
    stage.open("/")
    wait_until(lambda: stage.driver.find_elements(By.CSS_SELECTOR, "[data-offlinesync-open]"), "it is listed")
    pages.press_in_list(stage, "[data-offlinesync-open]")
    wait_until(lambda: stage.driver.find_elements(By.CSS_SELECTOR, ".errorlist"), "the form is opened")
    write(stage, "Mine")
    pages.wait_for_status(stage.driver, CHANGED)
    assert "There now: Elsewhere" in stage.driver.find_element(By.TAG_NAME, "form").text
    assert database(stage, "SELECT count(*) FROM posts_post WHERE title = 'Mine'") == [(0,)]


def choices(stage: Stage) -> list[str]:
    """The buttons beside what is there now."""
    shown = stage.driver.find_elements(By.CSS_SELECTOR, ".offlinesync-choose button:not([hidden])")
    return [button.text for button in shown]


def choose(stage: Stage, number: int) -> None:
    """Press one of them."""
    button = stage.driver.find_elements(By.CSS_SELECTOR, ".offlinesync-choose button:not([hidden])")[number]
    stage.driver.execute_script("arguments[0].click()", button)


def give_both(stage: Stage) -> None:
    """Somebody else has given it another title and another place."""
    change = "UPDATE posts_post SET title = 'Their title', location = 'Their place'"
    database(stage, f"{change} WHERE id = (SELECT min(id) FROM posts_post)")


def filled(stage: Stage) -> tuple[str, str]:
    """What stands in the form."""
    return (pages.typed(stage.driver, "title"), pages.typed(stage.driver, "location"))


def there(stage: Stage) -> tuple[object, ...]:
    """The post at the site."""
    return database(stage, "SELECT title, location FROM posts_post WHERE id = (SELECT min(id) FROM posts_post)")[0]


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_e1_theirs_can_be_taken_field_by_field(stage: Stage) -> None:
    open_form(stage)
    give_both(stage)
    place = stage.driver.find_element(By.NAME, "location")
    place.clear()
    place.send_keys("My place")
    write(stage, "My title")
    pages.wait_for_status(stage.driver, CHANGED)
    assert choices(stage) == [TAKE_THIS, TAKE_THIS]
    choose(stage, 0)
    assert filled(stage) == ("Their title", "My place")
    choose(stage, 1)
    assert choices(stage) == [TAKE_BACK, TAKE_BACK]
    assert stage.driver.switch_to.active_element.text == TAKE_BACK, "the keyboard stays where it was"
    choose(stage, 1)
    assert choices(stage) == [TAKE_BACK, TAKE_THIS]
    assert filled(stage) == ("Their title", "My place")
    pages.submit(stage)
    pages.wait_for_empty_outbox(stage)
    assert there(stage) == ("Their title", "My place")


def test_e1_what_nobody_has_touched_is_theirs_unless_the_person_says_otherwise(stage: Stage) -> None:
    open_form(stage)
    before = pages.typed(stage.driver, "location")
    give_both(stage)
    write(stage, "My title")
    pages.wait_for_status(stage.driver, CHANGED)
    assert filled(stage) == ("My title", "Their place")
    assert choices(stage) == [TAKE_THIS, TAKE_BACK]
    choose(stage, 1)
    assert filled(stage) == ("My title", before)
    choose(stage, 1)
    pages.submit(stage)
    pages.wait_for_empty_outbox(stage)
    assert there(stage) == ("My title", "Their place")


def test_e1_a8_nothing_is_overwritten_unseen_however_early_the_button_is_pressed(stage: Stage) -> None:
    path = open_form(stage)
    somebody_else_writes(stage, "Theirs")
    write(stage, "Mine")
    see_both(stage, "Mine", "Theirs")
    somebody_else_writes(stage, "Theirs again")
    come_back(stage, path, {"title": "Mine"})
    pages.reload(stage)
    press_early(stage)
    pages.wait_for_status(stage.driver, CHANGED)
    assert title_there(stage) == "Theirs again"
    pages.submit(stage)
    wait_until(
        lambda: "Theirs again" in stage.driver.find_element(By.TAG_NAME, "form").text, "what is there now is shown"
    )
    assert title_there(stage) == "Theirs again"


def test_a11_e1_a_draft_stands_beside_what_its_page_had_shown(stage: Stage) -> None:
    path = open_form(stage)
    field = stage.driver.find_element(By.NAME, "title")
    field.clear()
    field.send_keys("Mine")
    wait_for_draft(stage, "Mine")
    somebody_else_writes(stage, "Theirs")
    crash(stage, path)
    press(stage, "put-back")
    wait_until(lambda: pages.typed(stage.driver, "title") == "Mine", "it stands in the form")
    pages.submit(stage)
    see_both(stage, "Mine", "Theirs")
