"""A form that is answered by its view as it is."""

from __future__ import annotations

import pytest

from . import pages, proxy
from .matrix import CHROMIUM_FIRST
from .pages import FORM, LIST
from .stage import Stage
from .test_form import ATTENTION, REFUSED, broken_photo, good_photo, wait_for_refusal

WORDS = "From the cellar"
SAID = f"{WORDS} <is> in."


@pytest.fixture
def environment() -> dict[str, str]:
    return {"DJANGO_SETTINGS_MODULE": "tests.browser.with_urls", "DEMO_URLS": "tests.browser.viewed_pages"}


def test_the_view_s_message_stands_on_the_page_that_it_leads_to(stage: Stage) -> None:
    pages.write_post(stage, WORDS)
    pages.wait_for_title(stage.driver, "Posts")
    pages.wait_for_status(stage.driver, SAID)
    pages.only_post(stage, WORDS)
    assert len(stage.site.ledger()) == 1
    # For one page, as online.
    stage.open(LIST)
    pages.wait_for_status(stage.driver)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p1_p3_saved_offline_the_view_takes_it_once_and_says_so(stage: Stage) -> None:
    pages.deny_background_sync(stage)
    pages.keep_pages(stage)
    stage.proxy.on(None, proxy.refuse)
    pages.write_post(stage, WORDS)
    pages.wait_for_saved(stage, waiting=1, is_denied=True)
    stage.proxy.heal()
    stage.open(FORM)
    pages.wait_for_status(stage.driver, "It was sent. Show it", SAID)
    pages.only_post(stage, WORDS)
    pages.wait_for_empty_outbox(stage)


def test_the_errors_of_the_view_s_form_stand_in_the_form(stage: Stage) -> None:
    pages.write_post(stage, WORDS, file=broken_photo(stage))
    wait_for_refusal(stage)
    pages.wait_for_status(stage.driver, REFUSED)
    assert stage.site.ledger() == []
    pages.fill(stage, WORDS, file=good_photo(stage))
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, WORDS)
    assert ATTENTION not in pages.status(stage.driver)
