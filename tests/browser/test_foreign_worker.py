"""A site may have a worker of its own, and keeps it until it says otherwise (row D10)."""

from __future__ import annotations

import re

import pytest

from . import pages, proxy
from .matrix import wide
from .pages import FORM, LIST, NEUTRAL
from .proxy import SESSION
from .stage import Stage
from .waiting import wait_until
from .wire import Exchange, answer

THEIRS = "/their-worker.js"
OURS = "/offlinesync/serviceworker.js"
# An earlier release of this app may have given its worker another name.
OURS_ONCE = "/offlinesync/earlier.js"
REGISTER_SCRIPT = """
const [url, done] = arguments;
const policy = window.trustedTypes.createPolicy("offlinesync", { createScriptURL: (text) => text });
navigator.serviceWorker.register(policy.createScriptURL(url), { scope: "/" })
  .then(() => navigator.serviceWorker.ready)
  .then(() => done(true), (error) => done(String(error)));
"""
REGISTERED_SCRIPT = """
const [done] = arguments;
navigator.serviceWorker.getRegistrations().then((found) =>
  done(found.map(({ active, waiting, installing }) => new URL((active ?? waiting ?? installing).scriptURL).pathname)));
"""


def a_worker(exchange: Exchange) -> bytes:
    """A worker that does nothing, allowed for the whole site."""
    return answer(200, "// theirs", "text/javascript", Service_Worker_Allowed="/")


def settle_in(stage: Stage, script: str) -> None:
    """Register a worker for the whole site, before the app has been met."""
    stage.proxy.on(script.partition("?")[0], proxy.answering(a_worker))
    stage.open(NEUTRAL)
    assert stage.driver.execute_async_script(REGISTER_SCRIPT, script) is True


def registered(stage: Stage) -> list[str]:
    """The scripts of the site's workers."""
    return list(stage.driver.execute_async_script(REGISTERED_SCRIPT))


def warnings(stage: Stage) -> list[str]:
    """What the app warns the developer of."""
    logged = [line["message"] for line in stage.driver.get_log("browser") if line["level"] == "WARNING"]
    return [message for message in logged if "offlinesync:" in message]


def test_d10_a_foreign_worker_stays_and_the_developer_is_told(stage: Stage) -> None:
    settle_in(stage, THEIRS)
    said: list[str] = []
    stage.open(FORM)
    wait_until(lambda: said.extend(warnings(stage)) or said, "the console says what to do")
    assert THEIRS in said[0]
    assert "REPLACES_WORKERS" in said[0]
    assert registered(stage) == [THEIRS]

    # The page goes on without a worker, and does not promise what only one of ours could do.
    pages.wait_for_client(stage)
    stage.proxy.on(SESSION, proxy.refuse)
    pages.fill(stage, "Without a worker")
    pages.submit(stage)
    pages.wait_for_status(stage.driver, pages.SAVED, "Waiting to be sent: 1")
    stage.proxy.heal()
    stage.open(LIST)
    pages.wait_for_post(stage, "Without a worker")


@pytest.mark.parametrize("script", [f"{THEIRS}?v=3", wide(OURS_ONCE)], ids=["named", "ours"])
def test_d10_a_worker_that_is_done_with_is_replaced(stage: Stage, script: str) -> None:
    if script != OURS_ONCE:
        # As OFFLINESYNC["REPLACES_WORKERS"] would have it.
        (client,) = re.findall(r'href="(/offlinesync/client\.[^"]+)"', stage.site.get(LIST).body.decode())
        config = b'"replaces": ["%s"]' % THEIRS.encode()
        stage.proxy.on(client, proxy.rewriting(lambda body: body.replace(b'"replaces": []', config, 1)))
    settle_in(stage, script)
    stage.open(LIST)
    # Theirs controls the page until ours has kept all of its pages.
    wait_until(lambda: registered(stage) == [OURS], "ours is in its place")
    assert not warnings(stage)
