"""What the browser takes away under the code: its database connection, its worker (rows A3 and B7)."""

from __future__ import annotations

import socket

import pytest

from . import pages, proxy
from .pages import FORM, LIST, NEUTRAL
from .proxy import SESSION, SUBMISSIONS, Proxy
from .stage import Stage
from .waiting import wait_until
from .wire import Exchange

KEEP_HANDLES = """
window.handles = [];
const { open } = IDBFactory.prototype;
IDBFactory.prototype.open = function (...args) {
  const request = open.apply(this, args);
  request.addEventListener("success", () => window.handles.push(request.result));
  return request;
};
"""
CLOSE_HANDLES = """
const { length } = window.handles;
for (const handle of window.handles.splice(0)) handle.close();
return length;
"""


def worker_only(through: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """Only the worker reaches the site."""
    (proxy.forward if exchange.from_worker else proxy.refuse)(through, exchange, client)


def test_a3_a_connection_that_is_closed_under_the_code_is_opened_anew(stage: Stage) -> None:
    pages.deny_background_sync(stage)
    stage.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": KEEP_HANDLES})
    stage.proxy.on(SESSION, proxy.refuse)
    stage.open(FORM)
    pages.wait_for_client(stage)
    for count in (1, 2):
        wait_until(lambda: stage.driver.execute_script("return window.handles.length"), "the page has a connection")
        assert stage.driver.execute_script(CLOSE_HANDLES) > 0
        pages.fill(stage, f"After loss {count}")
        pages.submit(stage)
        pages.wait_for_status(stage.driver, pages.SAVED, f"Waiting to be sent: {count}")
    assert stage.driver.execute_script(CLOSE_HANDLES) > 0
    stage.proxy.heal()
    # The page that has lost its connection three times is also the one that delivers.
    stage.driver.execute_script("window.dispatchEvent(new Event('online'))")
    pages.wait_for_post(stage, "After loss 1")
    pages.wait_for_post(stage, "After loss 2")
    pages.wait_for_empty_outbox(stage)


@pytest.mark.parametrize("held", ["before_request", pytest.param("before_answer", marks=pytest.mark.wide)])
def test_b7_a_worker_that_is_stopped_while_it_sends_loses_nothing_and_sends_nothing_twice(
    stage: Stage, held: str
) -> None:
    pages.keep_pages(stage)
    stage.proxy.on(SESSION, worker_only)
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
