"""A worker that the browser stops while it sends (row B7)."""

from __future__ import annotations

import pytest

from . import builds, pages, proxy
from .matrix import wide
from .pages import LIST, NEUTRAL
from .proxy import SESSION, SUBMISSIONS
from .stage import Stage
from .waiting import wait_until


@pytest.mark.parametrize("held", ["before_request", wide("before_answer")])
def test_b7_a_worker_that_is_stopped_while_it_sends_loses_nothing_and_sends_nothing_twice(
    stage: Stage, held: str
) -> None:
    pages.keep_pages(stage)
    stage.proxy.on(SESSION, builds.worker_only)
    gate = proxy.Gate()
    stage.proxy.on(SUBMISSIONS, proxy.once(getattr(gate, held)))
    pages.write_post(stage, "Stopped on the way")
    wait_until(lambda: gate.held, "the worker is sending it")
    assert gate.held[0].from_worker
    # Nobody but the worker may go on with it.
    stage.open(NEUTRAL)
    stage.proxy.on(SESSION, proxy.refuse)
    stage.driver.execute_cdp_cmd("ServiceWorker.enable", {})
    stage.driver.execute_cdp_cmd("ServiceWorker.stopAllWorkers", {})
    assert pages.outbox(stage.driver)["entries"] == 1
    stage.proxy.heal()
    if held == "before_answer":
        gate.open()
    stage.open(LIST)
    pages.wait_for_post(stage, "Stopped on the way")
    pages.wait_for_empty_outbox(stage)
    gate.open()
    assert len(stage.site.ledger()) == 1
    pages.only_post(stage, "Stopped on the way")
