"""What a visitor sees of a form that does not do as usual: a function brings a stage into each state."""

from __future__ import annotations

from selenium.webdriver.common.by import By

from . import pages
from .pages import FORM, LIST
from .proxy import SUBMISSIONS
from .stage import Stage
from .states_of_entries import BREAK_WRITES, TITLE, needing_attention, save, told_of, wait_for_lines
from .test_kept_list import FORM_GONE, change_entries
from .test_odd_pages import IN_USE
from .test_stories import NOTE_SCRIPT

SURVEY = "/survey/new/"
NOTE = {"site": "Coach 9", "date": "2026-05-04", "count": "7", "condition": "worn"}


def see_what_is_wrong(stage: Stage) -> None:
    """Follow the link of what needs attention."""
    stage.driver.find_element(By.CSS_SELECTOR, ".offlinesync-attention a").click()


def form_in_use(stage: Stage) -> None:
    needing_attention(stage)
    stage.open(FORM)
    pages.fill(stage, "Written meanwhile")
    wait_for_lines(stage, "Needs your attention: 1")
    see_what_is_wrong(stage)
    wait_for_lines(stage, IN_USE)


def form_gone(stage: Stage) -> None:
    needing_attention(stage)
    change_entries(stage, page="/posts/1/")
    stage.open(LIST)
    wait_for_lines(stage, "Needs your attention: 1")
    see_what_is_wrong(stage)
    wait_for_lines(stage, FORM_GONE)


def sent_before_with_other_words(stage: Stage) -> None:
    save(stage, path=SUBMISSIONS)
    stage.proxy.on(SUBMISSIONS, told_of({TITLE: "id_reuse"}, status="rejected", errors={}))
    stage.open(LIST)
    wait_for_lines(stage, "Needs your attention: 1")
    see_what_is_wrong(stage)
    wait_for_lines(stage, "The site has an earlier version of this already.")


def signed_in_otherwise(stage: Stage) -> None:
    pages.sign_in(stage, "demo1")
    stage.open(FORM)
    stage.driver.execute_script(BREAK_WRITES)
    stage.driver.delete_cookie("sessionid")
    pages.fill(stage, TITLE)
    pages.submit(stage)
    wait_for_lines(stage, "you are signed in otherwise than when you opened this page")


def message_of_the_view(stage: Stage) -> None:
    stage.open(SURVEY)
    stage.driver.execute_script(NOTE_SCRIPT, NOTE)
    wait_for_lines(stage, "The observation has arrived.")


FORM_STATES = [
    form_in_use,
    form_gone,
    sent_before_with_other_words,
    signed_in_otherwise,
    message_of_the_view,
]
