"""What the device says of itself decides on no entry: not its clock, nor its word on the network (B11, B14, B15)."""

from __future__ import annotations

from datetime import datetime

import pytest

from . import builds, pages, proxy
from .matrix import wide
from .pages import FORM, LIST, NEUTRAL
from .proxy import SESSION, SUBMISSIONS
from .stage import Stage
from .waiting import wait_until
from .wire import WORKER, answer

DAY = 24 * 60 * 60 * 1000
YEAR = 365 * DAY
SHIFT_CLOCK = """
{
  const True = Date;
  globalThis.Date = class extends True {
    constructor(...parts) {
      super(...(parts.length ? parts : [True.now() + %d]));
    }
    static now() {
      return True.now() + %d;
    }
  };
}
"""
LIE_ABOUT_THE_NETWORK = """
Object.defineProperty(Navigator.prototype, "onLine", { get: () => %s });
"""


class Clock:
    """The device's clock as scripts read it: on pages by the browser, in the worker on the way there."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.script: str | None = None

    def shift(self, milliseconds: int) -> None:
        """Set it so far from the truth, for pages that are opened and workers that are installed from now on."""
        driver = self.stage.driver
        if self.script is not None:
            driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": self.script})
        source = SHIFT_CLOCK % (milliseconds, milliseconds)
        added = driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
        self.script = added["identifier"]
        self.stage.proxy.on(WORKER, proxy.rewriting(lambda worker: worker + source.encode()))


def save(stage: Stage, title: str, waiting: int) -> None:
    """Save a post that does not go out yet."""
    pages.write_post(stage, title)
    pages.wait_for_status(stage.driver, pages.SAVED, f"Waiting to be sent: {waiting}")


@pytest.fixture
def clock(stage: Stage) -> Clock:
    """The device's clock; pages alone deliver, by it."""
    pages.deny_background_sync(stage)
    return Clock(stage)


@pytest.mark.wide
def test_b14_entries_go_out_in_the_order_of_saving_whatever_the_clock_says(stage: Stage, clock: Clock) -> None:
    stage.proxy.on(SESSION, proxy.refuse)
    shifts = {"Years ahead": 10 * YEAR, "Years behind": -10 * YEAR, "On time": 0, "Before 1970": -80 * YEAR}
    for waiting, (title, shift) in enumerate(shifts.items(), start=1):
        clock.shift(shift)
        save(stage, title, waiting)
    claimed = [str(entry["captured_at"]) for entry in pages.entries(stage.driver)]
    assert claimed != sorted(claimed), "the clock was believed to be as wrong as it is"
    stage.proxy.heal()
    stage.open(LIST)
    for title in shifts:
        pages.wait_for_post(stage, title)
    pages.wait_for_empty_outbox(stage)
    assert [title for delivery in stage.proxy.deliveries for title in delivery.titles] == list(shifts)
    assert len(stage.site.ledger()) == len(shifts)


@pytest.mark.wide
@pytest.mark.parametrize("sender", [wide("page"), "worker"])
@pytest.mark.parametrize("years", [10, wide(-10)], ids=["ahead", "behind"])
def test_b14_what_was_put_off_until_a_time_that_does_not_come_is_delivered(
    stage: Stage, clock: Clock, sender: str, years: int
) -> None:
    """The site has put it off by a clock that is as far off on the other side when it may go out."""
    stage.proxy.on(SESSION, proxy.refuse)
    clock.shift(years * YEAR)
    save(stage, "Put off", 1)
    stage.proxy.on(SUBMISSIONS, proxy.answering(lambda exchange: answer(503, "", Retry_After="600")))
    stage.proxy.on(SESSION, proxy.forward)
    stage.open(LIST)
    wait_until(lambda: stage.proxy.requests(SUBMISSIONS), "the site has put it off")
    stage.open(NEUTRAL)
    clock.shift(-years * YEAR)
    stage.proxy.on(SESSION, builds.worker_only if sender == "worker" else proxy.forward)
    stage.proxy.on(SUBMISSIONS, proxy.forward)
    if sender == "worker":
        stage.open(LIST)
        builds.update_worker(stage)
        pages.allow_background_sync(stage)
    pages.write_post(stage, "Saved after it")
    pages.wait_for_post(stage, "Saved after it")
    pages.wait_for_post(stage, "Put off")
    pages.wait_for_empty_outbox(stage)
    first, second = (datetime.fromisoformat(row["captured_at"]) for row in stage.site.ledger())
    assert (first > second) == (years > 0)
    delivered = stage.proxy.deliveries
    assert all(delivery.from_worker == (sender == "worker") for delivery in delivered)
    assert [title for delivery in delivered for title in delivery.titles] == ["Put off", "Saved after it"]


def test_b15_an_entry_that_is_a_year_old_is_shown_and_delivered(stage: Stage, clock: Clock) -> None:
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    save(stage, "Tried a year ago", 1)
    stage.proxy.on(SESSION, proxy.refuse)
    save(stage, "Never tried", 2)
    clock.shift(YEAR + DAY)
    stage.open(LIST)
    pages.wait_for_status(stage.driver, "Waiting to be sent: 2")
    stage.proxy.heal()
    stage.open(LIST)
    pages.wait_for_post(stage, "Tried a year ago")
    pages.wait_for_post(stage, "Never tried")
    pages.wait_for_empty_outbox(stage)


def lie_about_the_network(stage: Stage, says: str) -> None:
    """Have the browser tell every page so: "true" or "false"."""
    source = LIE_ABOUT_THE_NETWORK % says
    stage.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})


def test_b11_a_browser_that_believes_to_be_offline_delivers_all_the_same(stage: Stage) -> None:
    pages.deny_background_sync(stage)
    lie_about_the_network(stage, "false")
    pages.write_post(stage, "Written offline, it is said")
    assert not pages.is_online(stage.driver)
    pages.wait_for_post(stage, "Written offline, it is said")
    pages.wait_for_empty_outbox(stage)


@pytest.mark.wide
def test_b11_with_nothing_behind_the_link_it_is_saved_and_delivered_later(stage: Stage) -> None:
    """Requests are taken by the network, and never answered."""
    pages.deny_background_sync(stage)
    lie_about_the_network(stage, "true")
    stage.open(FORM)
    nothing = proxy.Gate()
    stage.proxy.on(None, nothing.before_request)
    pages.fill(stage, "Into the void")
    pages.submit(stage)
    pages.wait_for_status(stage.driver, pages.SAVED, "Waiting to be sent: 1")
    wait_until(lambda: nothing.held, "a request is on its way")
    assert not stage.proxy.deliveries
    # The request that hangs is given up by the page itself; the page stays open, and no event tells it anything.
    stage.proxy.heal()
    pages.wait_for_post(stage, "Into the void", seconds=120)
    pages.wait_for_empty_outbox(stage)
    assert len(stage.site.ledger()) == 1
