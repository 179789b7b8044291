"""The form on the screen: delivered, refused, corrected, and plain where there is no JavaScript (P7)."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from . import pages, proxy
from .matrix import CHROMIUM_FIRST
from .pages import FORM, LIST
from .proxy import SUBMISSIONS
from .stage import Stage
from .waiting import wait_until

TITLE = "Second window from the left"
BROKEN = b"this is no picture"
REFUSED = "The site did not accept this. It is kept on this device: correct it here and send it again."
ATTENTION = "Needs your attention: 1 See what is wrong"

# What a field shows of its errors, in whatever way the page came about.
FIELD_SCRIPT = """
const control = document.querySelector("[name=photo]");
const list = document.getElementById("id_photo_error");
return [list?.outerHTML, control.getAttribute("aria-invalid"), control.getAttribute("aria-describedby"),
        list.nextElementSibling === control];
"""


def broken_photo(stage: Stage) -> Path:
    """A file that the browser takes and the site refuses."""
    return pages.photo_file(stage, BROKEN, "broken.png")


def good_photo(stage: Stage) -> Path:
    """A file that the site takes."""
    return pages.photo_file(stage, pages.photo(), "good.png")


def wait_for_refusal(stage: Stage) -> None:
    """Wait until the site's errors stand in the form."""
    wait_until(lambda: "id_photo_error" in pages.errors(stage.driver), "the photo's error stands in the form")


def without_javascript(stage: Stage) -> None:
    """Switch JavaScript off for the current tab."""
    stage.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})


def test_an_accepted_post_leads_where_the_plain_view_leads(stage: Stage) -> None:
    pages.write_post(stage, TITLE)
    pages.wait_for_title(stage.driver, "Posts")
    assert stage.driver.current_url == stage.url + LIST
    pages.only_post(stage, TITLE)
    assert pages.outbox(stage.driver) == {"entries": 0, "files": 0}
    assert len(stage.site.ledger()) == 1
    assert not [exchange for exchange in stage.proxy.requests(FORM) if exchange.method == "POST"]


def test_p7_without_javascript_it_is_a_plain_form(stage: Stage) -> None:
    without_javascript(stage)
    photo = pages.photo()
    stage.open(FORM, until_client_runs=False)
    pages.fill(stage, TITLE, file=pages.photo_file(stage, photo))
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    post = pages.only_post(stage, TITLE)
    assert stage.site.photo_of(post) == photo
    assert stage.site.ledger() == []
    assert not stage.proxy.requests(SUBMISSIONS)


def test_a_refusal_stands_in_the_form_in_djangos_own_markup(stage: Stage) -> None:
    pages.write_post(stage, TITLE, file=broken_photo(stage))
    wait_for_refusal(stage)
    pages.wait_for_status(stage.driver, REFUSED)
    shown = stage.driver.execute_script(FIELD_SCRIPT)
    assert pages.typed(stage.driver, "title") == TITLE
    assert pages.typed(stage.driver, "body") == "Rain.\nThen none."
    assert pages.typed(stage.driver, "photo").endswith("broken.png")
    assert not stage.site.posts(TITLE)

    without_javascript(stage)
    stage.open(FORM, until_client_runs=False)
    pages.fill(stage, TITLE, file=broken_photo(stage))
    pages.submit(stage)
    wait_for_refusal(stage)
    assert shown == stage.driver.execute_script(FIELD_SCRIPT)


def test_p2_what_was_refused_is_corrected_and_accepted_under_the_same_id(stage: Stage) -> None:
    pages.write_post(stage, TITLE, file=broken_photo(stage))
    wait_for_refusal(stage)
    stage.driver.find_element(By.NAME, "photo").send_keys(str(good_photo(stage)))
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    post = pages.only_post(stage, TITLE)
    assert stage.site.photo_of(post) == pages.photo()
    first, second = (exchange.ids for exchange in stage.proxy.deliveries)
    assert first == second
    assert pages.outbox(stage.driver) == {"entries": 0, "files": 0}


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p2_what_is_refused_later_needs_attention_and_opens_in_its_form(stage: Stage) -> None:
    stage.open(FORM)
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    pages.fill(stage, TITLE, file=broken_photo(stage))
    pages.submit(stage)
    pages.wait_for_saved(stage, waiting=1)
    stage.proxy.heal()

    stage.open(LIST)
    pages.wait_for_status(stage.driver, ATTENTION)
    assert not stage.site.posts(TITLE)
    assert pages.outbox(stage.driver) == {"entries": 1, "files": 1}

    stage.driver.find_element(By.CSS_SELECTOR, "[data-offlinesync-status] a").click()
    pages.wait_for_title(stage.driver, "Write a post")
    wait_for_refusal(stage)
    pages.wait_for_status(stage.driver, REFUSED)
    assert pages.typed(stage.driver, "title") == TITLE
    assert pages.typed(stage.driver, "location") == "Coach 9"
    assert pages.typed(stage.driver, "photo").endswith("broken.png")

    stage.driver.find_element(By.NAME, "photo").send_keys(str(good_photo(stage)))
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, TITLE)
    pages.wait_for_status(stage.driver)
    assert pages.outbox(stage.driver) == {"entries": 0, "files": 0}


def test_the_browsers_own_validation_comes_first(stage: Stage) -> None:
    stage.open(FORM)
    pages.fill(stage, TITLE)
    stage.driver.find_element(By.NAME, "location").clear()
    pages.submit(stage)
    assert stage.driver.execute_script("return document.querySelector('main form').matches(':invalid')")
    assert stage.driver.switch_to.active_element.get_attribute("name") == "location"
    assert pages.status(stage.driver) == []
    assert pages.outbox(stage.driver) == {"entries": 0, "files": 0}
    assert not stage.proxy.requests(SUBMISSIONS)


def test_a8_a_double_click_is_one_post(stage: Stage) -> None:
    gate = proxy.Gate()
    stage.proxy.on(SUBMISSIONS, gate.before_request)
    stage.open(FORM)
    pages.fill(stage, TITLE)
    stage.driver.execute_script(
        "const button = document.querySelector('main form button[type=submit]'); button.click(); button.click();"
    )
    wait_until(lambda: gate.held, "the post is being sent")
    pages.submit(stage)
    assert pages.outbox(stage.driver)["entries"] == 1
    gate.open()
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, TITLE)
    assert len(stage.proxy.deliveries) == 1
    assert len(stage.site.ledger()) == 1


@pytest.mark.wide
def test_a_slow_answer_leaves_the_form_filled_and_busy_for_ten_seconds_at_most(stage: Stage) -> None:
    gate = proxy.Gate()
    stage.proxy.on(SUBMISSIONS, gate.before_request)
    stage.open(FORM)
    pages.fill(stage, TITLE)
    pages.submit(stage)
    wait_until(lambda: gate.held, "the post is being sent")
    assert pages.typed(stage.driver, "title") == TITLE
    assert stage.driver.find_elements(By.CSS_SELECTOR, "main form button[aria-busy=true]")
    pages.wait_for_status(stage.driver, pages.SAVED_SYNC, "Waiting to be sent: 1")
    assert pages.typed(stage.driver, "title") == ""
    assert not stage.driver.find_elements(By.CSS_SELECTOR, "main form button[aria-busy=true]")
    gate.open()
    wait_until(lambda: "It was sent. Show it" in pages.status(stage.driver), "the page says that it was sent")
    assert stage.driver.title == "Write a post", "a late answer never takes the reader away"
    pages.only_post(stage, TITLE)
