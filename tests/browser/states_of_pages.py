"""What a visitor sees of drafts, of being signed in, and of kept pages: a function brings a stage into each state."""

from __future__ import annotations

from selenium.webdriver.common.by import By

from demo_site.posts import scenery

from . import pages, proxy
from .pages import FORM, LIST
from .proxy import SUBMISSIONS
from .stage import Stage
from .states_of_entries import TITLE, save, wait_for_lines
from .test_conflicts import database
from .test_drafts import KEPT, NOT_KEPT, OFFER, REFUSE_WRITES, lines, press, wait_for_draft
from .test_freshness import AGE_SCRIPT
from .test_leaving import SIGN_OUT
from .test_owner import SENT_AS, SIGN_IN_AGAIN, WAITS_FOR_SIGN_IN
from .test_pending import ONLINE, pending
from .test_private_pages import SIGNED_OUT_HERE, press_sign_out, see_private_pages
from .waiting import wait_until

WINDOW = scenery.draw(sky=(92, 141, 168), horizon=(244, 214, 160), land=(122, 74, 38), sun=(0.3, 0.3), roughness=0.8)


def form(stage: Stage) -> None:
    stage.open(FORM)


def draft_kept(stage: Stage) -> None:
    stage.open(FORM)
    pages.fill(stage, TITLE)
    wait_for_draft(stage, TITLE)
    wait_until(lambda: lines(stage) == [KEPT], "the page says so")


def draft_offered(stage: Stage) -> None:
    draft_kept(stage)
    stage.open(LIST)
    stage.open(FORM)
    wait_until(lambda: lines(stage) == [OFFER], "it is offered")


def draft_discarded(stage: Stage) -> None:
    draft_offered(stage)
    press(stage, "discard-draft")
    wait_until(lambda: lines(stage) == ["It was removed from this device."], "the page says so")


def draft_not_kept(stage: Stage) -> None:
    draft_kept(stage)
    stage.driver.execute_script(REFUSE_WRITES)
    stage.driver.find_element(By.NAME, "title").send_keys("!")
    wait_until(lambda: lines(stage) == [NOT_KEPT], "the page says so")


def save_signed_in(stage: Stage, *titles: str) -> None:
    """Somebody who is signed in has posts here that the site does not get."""
    pages.sign_in(stage, "demo1")
    save(stage, *titles, path=SUBMISSIONS)


def session_ended(stage: Stage) -> None:
    save_signed_in(stage)
    stage.site.end_sessions()
    stage.proxy.heal()
    stage.driver.execute_script(ONLINE)
    wait_for_lines(stage, SIGN_IN_AGAIN)


def asked_before_signing_out(stage: Stage) -> None:
    save_signed_in(stage)
    stage.driver.find_element(By.CSS_SELECTOR, SIGN_OUT).click()
    wait_until(lambda: pages.is_asked(stage.driver), "they are asked")


def not_sent_before_signing_out(stage: Stage) -> None:
    asked_before_signing_out(stage)
    pages.choose(stage.driver, "send")
    is_told = "return !document.querySelector('[data-offlinesync-unsent]').hidden"
    wait_until(lambda: stage.driver.execute_script(is_told), "they are told")


def waiting_for_sign_in(stage: Stage) -> None:
    save_signed_in(stage)
    pages.sign_out(stage)
    pages.wait_for_status(stage.driver, WAITS_FOR_SIGN_IN)


def signed_in_again(stage: Stage) -> None:
    save_signed_in(stage, TITLE, "And then the larches", "Rock again")
    stage.open(LIST)
    pages.sign_out(stage)
    stage.proxy.on(SUBMISSIONS, proxy.Gate().before_request)
    pages.sign_in(stage, "demo1")
    wait_for_lines(stage, f"{SENT_AS} demo1: 3")


def signed_out_on_this_device(stage: Stage) -> None:
    see_private_pages(stage)
    stage.open(FORM)
    stage.proxy.on(None, proxy.refuse)
    press_sign_out(stage)
    wait_for_lines(stage, SIGNED_OUT_HERE)


def pending_in_the_list(stage: Stage) -> None:
    stage.open(FORM)
    stage.proxy.on(None, proxy.refuse)
    pages.fill(stage, TITLE, file=pages.photo_file(stage, WINDOW, "window.jpg"))
    pages.submit(stage)
    wait_for_lines(stage, "Waiting to be sent: 1")
    stage.open(LIST)
    wait_until(lambda: pending(stage) == [TITLE], "it stands in the list")
    wait_for_lines(stage, "There is no connection")


def kept_page(stage: Stage) -> None:
    stage.proxy.on(None, proxy.refuse)
    stage.open(LIST)
    wait_until(lambda: stage.driver.execute_script(AGE_SCRIPT)[0], "its age is shown")


def newer_page(stage: Stage) -> None:
    change = "UPDATE posts_post SET body = body || ?"
    database(stage, change, "!")
    stage.open(LIST)
    wait_until(lambda: pages.is_updated(stage.driver), "the page says so")


def page_that_is_not_kept(stage: Stage) -> None:
    stage.proxy.on(None, proxy.refuse)
    stage.open("/posts/7777/")
    pages.wait_for_title(stage.driver, "Offline")


PAGE_STATES = [
    form,
    draft_kept,
    draft_offered,
    draft_discarded,
    draft_not_kept,
    session_ended,
    asked_before_signing_out,
    not_sent_before_signing_out,
    waiting_for_sign_in,
    signed_in_again,
    signed_out_on_this_device,
    pending_in_the_list,
    kept_page,
    newer_page,
    page_that_is_not_kept,
]
