"""The strict Content-Security-Policy with Trusted Types (row D8): no page of the demo violates it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from . import pages, proxy
from .matrix import CHROMIUM_FIRST
from .pages import FORM, LIST
from .stage import Stage

OFFLINE = "/offlinesync/offline/"
PLAIN_PAGES = [LIST, "/posts/1/", "/tasks/", "/shop/", "/survey/", "/accounts/login/", OFFLINE, "/no-such-page/"]
STORIES = ["/tasks/", "/tasks/1/", "/shop/", "/shop/orders/", "/survey/", "/survey/new/"]


@pytest.fixture
def environment() -> Mapping[str, str]:
    """The demo asks browsers to report violations, and writes the reports down."""
    return {"DEMO_CSP_REPORT_URI": "/csp-reports/"}


def report_arrives(stage: Stage) -> None:
    """Violate the policy on purpose: what was reported before this one is there when it is."""
    stage.driver.execute_script("new Image().src = 'https://violation.invalid/'")
    pages.wait_until(lambda: stage.site.policy_reports(), "the violation on purpose has been reported")


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_d8_no_page_of_the_demo_violates_the_policy(stage: Stage) -> None:
    stage.open(LIST)
    pages.wait_for_worker(stage)
    for path in PLAIN_PAGES:
        stage.open(path)
        pages.wait_for_status(stage.driver)
    pages.sign_in(stage, "demo1")
    for path in STORIES:
        stage.open(path)
        pages.wait_for_status(stage.driver)
    stage.open("/accounts/logout/")
    # Refused, with errors built into the page; corrected; accepted.
    stage.open(FORM)
    stage.driver.execute_script("document.querySelector('[name=title]').removeAttribute('maxlength')")
    pages.fill(stage, "x" * 300)
    pages.submit(stage)
    pages.wait_until(lambda: pages.errors(stage.driver), "the refusal is in the form")
    pages.fill(stage, "Short enough")
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    # Saved, and sent later, with the page from the worker.
    pages.sign_out(stage)
    stage.proxy.on(None, proxy.refuse)
    pages.write_post(stage, "Under a strict policy")
    pages.wait_for_saved(stage, waiting=1)
    stage.open("/posts/")
    assert "Offline" in stage.driver.title
    stage.proxy.heal()
    stage.open(LIST)
    pages.wait_for_post(stage, "Under a strict policy")
    report_arrives(stage)
    violations = [report for report in stage.site.policy_reports() if "violation.invalid" not in str(report)]
    assert violations == []
