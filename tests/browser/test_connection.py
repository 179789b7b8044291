"""The status says whether there is a connection, and how far the sending has come (rows B11 and B12)."""

from __future__ import annotations

import pytest

from . import pages, proxy
from .matrix import CHROMIUM_FIRST
from .pages import FORM, LIST
from .proxy import SUBMISSIONS
from .stage import Stage
from .waiting import wait_until

OFFLINE = "There is no connection to this site right now."
OFFLINE_FORM = f"{OFFLINE} Write and send all the same: it is saved on this device, and goes out when there is one."
BACK = "The connection is back."
STATE = "return document.querySelector('[data-offlinesync-status]').dataset.offlinesyncConnection"
# As somebody hears it who is not to be told each number.
PROGRESS = """
const line = document.querySelector(".offlinesync-sending");
if (!line) return null;
const bar = line.querySelector("progress");
const { ariaLive } = line.querySelector("[data-offlinesync-count]").closest("[aria-live]");
return { max: bar.max, value: bar.value, live: ariaLive };
"""


def wait_for_connection(stage: Stage, *lines: str) -> None:
    """Wait until the status says just this of the connection."""
    wait_until(lambda: pages.connection(stage.driver) == list(lines), f"of the connection it says {lines}")


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_the_page_says_that_nobody_answers_and_when_somebody_does_again(stage: Stage) -> None:
    pages.keep_pages(stage)
    stage.open(FORM)
    assert pages.connection(stage.driver) == []
    stage.proxy.on(None, proxy.refuse)
    pages.fill(stage, "With nobody there")
    pages.submit(stage)
    pages.wait_for_saved(stage, waiting=1)
    wait_for_connection(stage, OFFLINE_FORM)
    assert stage.driver.execute_script(STATE) == "offline"
    stage.open(LIST)
    wait_for_connection(stage, OFFLINE)

    stage.proxy.heal()
    stage.driver.execute_script("window.dispatchEvent(new Event('online'))")
    wait_for_connection(stage, BACK)
    assert stage.driver.execute_script(STATE) == "online"
    pages.wait_for_post(stage, "With nobody there")
    wait_for_connection(stage)


def test_texts_of_an_earlier_release_say_what_they_can(stage: Stage) -> None:
    """A site may have a texts.html of its own."""
    pages.before_load(
        stage, "".join(f"{{ {pages.LOSE_TEXT % name} }}" for name in ("offline-form", "trouble", "sending"))
    )
    stage.open(FORM)
    stage.proxy.on(None, proxy.refuse)
    pages.fill(stage, "In fewer words")
    pages.submit(stage)
    wait_until(lambda: "Waiting to be sent: 1" in pages.status(stage.driver), "it is saved, and the page says so")
    wait_until(lambda: stage.driver.execute_script(STATE) == "offline", "nobody is there")
    assert pages.connection(stage.driver) == []


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_sending_that_takes_its_time_says_how_far_it_is(stage: Stage) -> None:
    pages.keep_pages(stage)
    # What the worker has sent before the page begins is none of its numbers.
    pages.deny_background_sync(stage)
    stage.proxy.on(None, proxy.refuse)
    for number in (1, 2, 3):
        pages.write_post(stage, f"One of three: {number}")
        pages.wait_for_saved(stage, waiting=number, is_denied=True)

    gate = proxy.Gate()
    stage.proxy.on(None, proxy.forward)
    stage.proxy.on(SUBMISSIONS, proxy.where(lambda exchange: bool(stage.site.ledger()), gate.before_request))
    stage.open(LIST)
    wait_for_connection(stage, "Sending: 2 of 3")
    assert stage.driver.execute_script(PROGRESS) == {"max": 3, "value": 1, "live": "off"}
    assert pages.status(stage.driver)[-1] == "Waiting to be sent: 2"

    gate.open()
    pages.wait_for_empty_outbox(stage)
    wait_until(lambda: not pages.connection(stage.driver), "nothing is being sent any more")
