"""Whose entry it is: what A saved is A's, whoever sits at the device now (P4, rows D1 to D3 and D5)."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By

from . import pages, proxy
from .matrix import CHROMIUM_FIRST
from .pages import FORM, LIST, NEUTRAL
from .proxy import SESSION, SUBMISSIONS
from .stage import Stage
from .waiting import wait_until
from .wire import Exchange, answer

WAITS_FOR_SIGN_IN = "Something on this device is waiting for its owner to sign in. Sign in"
SENT_AS = "What you saved on this device before is being sent as"
SIGN_IN_AGAIN = "You are not signed in any more. Sign in again, and what you saved on this device goes out. Sign in"


def owners(stage: Stage) -> list[str]:
    """The owners of what the site has accepted, in that order."""
    return [row["owner"] for row in stage.site.ledger()]


def save_unsent(stage: Stage, title: str) -> None:
    """Write a post that the site does not get, and be told that it is saved."""
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    pages.save_unsent(stage, title)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_d1_what_a_saved_is_neither_sent_nor_shown_as_bs(stage: Stage) -> None:
    pages.sign_in(stage, "demo1")
    save_unsent(stage, "Written by A")
    pages.sign_out(stage)
    stage.proxy.heal()

    pages.sign_in(stage, "demo2")
    pages.write_post(stage, "Written by B")
    pages.wait_for_post(stage, "Written by B")
    pages.wait_for_title(stage.driver, "Posts")
    assert pages.status(stage.driver) == []
    assert "Written by A" not in stage.driver.page_source
    assert not stage.site.posts("Written by A")

    pages.sign_out(stage)
    pages.wait_for_status(stage.driver, WAITS_FOR_SIGN_IN)
    assert "Written by A" not in stage.driver.page_source
    assert pages.outbox(stage.driver)["entries"] == 1

    pages.sign_in(stage, "demo1")
    pages.wait_for_post(stage, "Written by A")
    assert owners(stage) == [stage.site.user_id("demo2"), stage.site.user_id("demo1")]


def test_d1_what_nobody_saved_stays_nobodys(stage: Stage) -> None:
    """Saved by an anonymous visitor and delivered while somebody is signed in: handled as anonymous."""
    save_unsent(stage, "Written by a visitor")
    stage.open(NEUTRAL)
    stage.proxy.heal()
    pages.sign_in(stage, "demo1")
    pages.wait_for_post(stage, "Written by a visitor")
    assert owners(stage) == [""]


@pytest.mark.wide
def test_d1_a_page_of_a_saves_for_a_after_b_has_signed_in(stage: Stage) -> None:
    """The owner is what the page was rendered with, not what the session says later."""
    pages.sign_in(stage, "demo1")
    stage.open(FORM)
    page_of_a = stage.driver.current_window_handle
    stage.driver.switch_to.new_window("tab")
    stage.open(LIST)
    pages.sign_out(stage)
    pages.sign_in(stage, "demo2")
    stage.driver.close()
    stage.driver.switch_to.window(page_of_a)
    pages.wait_for_client(stage)
    pages.fill(stage, "On a page of A")
    pages.submit(stage)
    # B reads no word of it, and no promise either.
    pages.wait_for_status(stage.driver, "Saved on this device.", SIGN_IN_AGAIN)
    assert "On a page of A" not in stage.driver.page_source
    assert [entry["owner"] for entry in pages.entries(stage.driver)] == [stage.site.user_id("demo1")]
    assert not stage.site.posts("On a page of A")
    pages.sign_out(stage)
    pages.sign_in(stage, "demo1")
    pages.wait_for_post(stage, "On a page of A")
    assert owners(stage) == [stage.site.user_id("demo1")]


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_d5_p4_who_is_signed_out_unawares_is_asked_to_sign_in_and_then_it_goes_out(stage: Stage) -> None:
    pages.sign_in(stage, "demo1")
    save_unsent(stage, "Saved before the session ended")
    stage.site.end_sessions()
    stage.proxy.heal()
    stage.driver.execute_script("window.dispatchEvent(new Event('online'))")
    pages.wait_for_status(stage.driver, "Saved on this device.", SIGN_IN_AGAIN)
    assert "Saved before the session" not in stage.driver.page_source
    pages.fill(stage, "Saved after it had ended")
    pages.submit(stage)
    wait_until(lambda: pages.typed(stage.driver, "title") == "", "it is saved")
    pages.wait_for_status(stage.driver, "Saved on this device.", SIGN_IN_AGAIN)
    assert pages.outbox(stage.driver)["entries"] == 2
    assert "Saved before the session" not in stage.driver.page_source
    assert "Saved after it" not in stage.driver.page_source
    assert not stage.site.ledger()

    # A page for nobody asks as well, and again says no more than that.
    stage.open(LIST)
    pages.wait_for_status(stage.driver, WAITS_FOR_SIGN_IN)
    assert "Saved before the session" not in stage.driver.page_source
    stage.open(FORM)
    pages.wait_for_status(stage.driver, WAITS_FOR_SIGN_IN)
    stage.driver.find_element(By.CSS_SELECTOR, ".offlinesync-sign-in a").click()
    pages.wait_for_title(stage.driver, "Sign in")
    pages.wait_for_status(stage.driver, WAITS_FOR_SIGN_IN.removesuffix(" Sign in"))
    gate = proxy.Gate()
    stage.proxy.on(SUBMISSIONS, gate.before_request)
    pages.give_credentials(stage, "demo1")
    pages.wait_for_title(stage.driver, "Write a post")
    pages.wait_for_status(stage.driver, f"{SENT_AS} demo1: 2", "Waiting to be sent: 2")
    gate.open()
    assert stage.driver.current_url == stage.url + FORM
    pages.wait_for_post(stage, "Saved before the session ended")
    pages.wait_for_post(stage, "Saved after it had ended")
    assert owners(stage) == [stage.site.user_id("demo1")] * 2


def test_d3_a_token_that_has_changed_is_fetched_once_more(stage: Stage) -> None:
    """Somebody signs in between the session and the submission, and Django changes the token."""
    gate = proxy.Gate()
    stage.proxy.on(SUBMISSIONS, proxy.once(gate.before_request))
    pages.write_post(stage, "Between two tokens")
    pages.wait_until(lambda: gate.held, "the submission is on its way")
    # The token travels with the request, its cookie does not any more.
    held = gate.held[0]
    held.head = held.head.replace(held.headers["X-CSRFToken"].encode(), b"x" * 64)
    gate.open()
    pages.wait_for_post(stage, "Between two tokens")
    first, second = stage.proxy.deliveries
    assert first.ids == second.ids
    pages.wait_for_title(stage.driver, "Posts")


def test_d3_no_token_lies_in_the_outbox(stage: Stage) -> None:
    stage.open(FORM)
    token = pages.typed(stage.driver, "csrfmiddlewaretoken")
    save_unsent(stage, "Without a token")
    assert token
    saved = str(pages.entries(stage.driver))
    assert "csrf" not in saved
    assert token not in saved


def in_second_tab(stage: Stage, username: str) -> None:
    """Sign in as somebody else in another tab, and come back to this one."""
    first = pages.new_tab(stage.driver)
    pages.sign_in(stage, username)
    stage.driver.switch_to.window(first)


@pytest.mark.wide
@pytest.mark.parametrize("session_of", ["before", "after"])
def test_d2_the_account_changes_while_a_delivery_is_under_way(stage: Stage, session_of: str) -> None:
    """One of two entries is with the site when B signs in; the other is on its way with the session from before, or,
    as browsers add cookies when a request starts, with B's session and token."""
    pages.deny_background_sync(stage)
    pages.sign_in(stage, "demo1")
    stage.proxy.on(SESSION, proxy.refuse)
    for count, title in enumerate(["First of A", "Second of A"], start=1):
        pages.write_post(stage, title)
        wait_until(lambda count=count: f"Waiting to be sent: {count}" in pages.status(stage.driver), "it is saved")
    stage.open(NEUTRAL)
    gate = proxy.Gate()
    second = proxy.where(lambda exchange: exchange.titles == ["Second of A"], gate.before_request)
    # Two are too much for the site, so they go one after the other.
    too_much = proxy.answering(lambda exchange: answer(413, ""))
    stage.proxy.on(SUBMISSIONS, proxy.where(lambda exchange: len(exchange.ids) > 1, too_much, otherwise=second))
    stage.proxy.on(SESSION, proxy.forward)
    stage.open(LIST)
    wait_until(lambda: gate.held, "the second one is on its way")
    in_second_tab(stage, "demo2")
    if session_of == "after":
        send_as_now(stage, gate.held[0])
    gate.open()
    wait_until(lambda: gate.held[0].status, "the site has answered")
    assert gate.held[0].status == {"before": 403, "after": 409}[session_of]
    assert owners(stage) == [stage.site.user_id("demo1")]
    stage.proxy.heal()

    # To a session that has ended Django answers by taking the cookie away, which by now is B's.
    pages.sign_in(stage, "demo2")
    pages.write_post(stage, "Written by B")
    pages.wait_for_post(stage, "Written by B")
    pages.wait_for_title(stage.driver, "Posts")
    assert not stage.site.posts("Second of A")
    pages.sign_in(stage, "demo1")
    pages.wait_for_post(stage, "Second of A")
    assert owners(stage) == [stage.site.user_id(name) for name in ("demo1", "demo2", "demo1")]


def send_as_now(stage: Stage, held: Exchange) -> None:
    """Let a request carry the cookies that the browser has now, and the token that goes with them."""
    cookies = {cookie["name"]: cookie["value"] for cookie in stage.driver.get_cookies()}
    replaced = (b"cookie:", b"x-csrftoken:")
    lines = [line for line in held.head.split(b"\r\n") if not line.lower().startswith(replaced)]
    pairs = "; ".join(f"{name}={value}" for name, value in cookies.items())
    added = [f"Cookie: {pairs}".encode(), f"X-CSRFToken: {cookies['csrftoken']}".encode()]
    held.head = b"\r\n".join([*lines, *added])
