"""Comments of django-contrib-comments, whose Python nobody has edited, in the site of `tests/sites/comments`."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from selenium.webdriver.common.by import By

from . import pages, proxy
from .matrix import CHROMIUM_FIRST
from .stage import Stage
from .waiting import wait_until

POST = "/posts/1/"
WORDS = "Mine as well, and no network here."
LATER = "3"


@pytest.fixture
def environment() -> dict[str, str]:
    return {"DJANGO_SETTINGS_MODULE": "tests.sites.comments.settings"}


def comments(stage: Stage) -> list[sqlite3.Row]:
    """The comments that the site has."""
    with closing(sqlite3.connect(stage.site.data / "db.sqlite3")) as database:
        database.row_factory = sqlite3.Row
        return database.execute("SELECT * FROM django_comments ORDER BY id").fetchall()


def write(stage: Stage, button: str, *, email: str = "anna@example.org") -> None:
    """Fill in the form on the screen, and press one of its buttons."""
    for name, text in {"name": "Anna", "email": email, "comment": WORDS}.items():
        control = stage.driver.find_element(By.NAME, name)
        control.clear()
        control.send_keys(text)
    press(stage, button)


def press(stage: Stage, button: str) -> None:
    """Press a button of the form."""
    stage.driver.find_element(By.CSS_SELECTOR, f"form [type=submit][name={button}]").click()


def go_on(stage: Stage, **environment: str) -> None:
    """The server is back, hours later."""
    stage.site.stop()
    stage.site.environment.update(SITE_HOURS_LATER=LATER, **environment)
    stage.site.start()
    stage.proxy.heal()
    stage.open(POST)


def save_offline(stage: Stage) -> None:
    """Write a comment while the site is away."""
    pages.deny_background_sync(stage)
    stage.open(POST)
    stage.proxy.on(None, proxy.refuse)
    write(stage, "post")
    pages.wait_for_saved(stage, waiting=1, is_denied=True)


@pytest.mark.wide
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p3_a_comment_that_was_written_offline_is_there_once_three_hours_later(stage: Stage) -> None:
    save_offline(stage)
    go_on(stage)
    wait_until(lambda: comments(stage), "the comment has arrived")
    pages.wait_for_empty_outbox(stage)
    (comment,) = comments(stage)
    assert (comment["user_name"], comment["comment"]) == ("Anna", WORDS)
    assert comment["ip_address"] == "127.0.0.1"
    assert len(stage.site.ledger()) == 1


@pytest.mark.wide
def test_p2_after_the_app_s_own_limit_it_is_refused_and_kept(stage: Stage) -> None:
    """Which is why the docs say how to raise it."""
    save_offline(stage)
    go_on(stage, SITE_COMMENTS_TIMEOUT="7200")
    pages.wait_for_status(stage.driver, "Needs your attention: 1 See what is wrong")
    assert pages.outbox(stage.driver) == {"entries": 1, "files": 0}
    assert comments(stage) == stage.site.ledger() == []


def test_what_the_app_s_form_refuses_stands_in_the_form(stage: Stage) -> None:
    stage.open(POST)
    write(stage, "post", email="anna@example")
    wait_until(lambda: "id_email_error" in pages.errors(stage.driver), "the error stands at its field")
    write(stage, "post")
    wait_until(lambda: comments(stage), "the comment has arrived")
    pages.wait_for_title(stage.driver, "Thanks for commenting.")


def test_p7_the_preview_button_works_as_it_did(stage: Stage) -> None:
    stage.open(POST)
    write(stage, "preview")
    pages.wait_for_title(stage.driver, "Preview your comment")
    assert stage.driver.find_element(By.TAG_NAME, "blockquote").text == WORDS
    assert pages.outbox(stage.driver) == {"entries": 0, "files": 0}
    press(stage, "submit")
    pages.wait_for_title(stage.driver, "Thanks for commenting.")
    (comment,) = comments(stage)
    assert comment["comment"] == WORDS
    assert stage.site.ledger() == []
