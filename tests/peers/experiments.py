"""The experiments: each makes a fault, lets the honest site come back, and counts."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from tests.browser import pages, proxy
from tests.browser.proxy import Behaviour, Gate
from tests.browser.stage import Stage
from tests.browser.test_hostile_answers import HOSTILE
from tests.browser.waiting import wait_until
from tests.browser.wire import Exchange

from .contenders import Contender

SETTLE_SECONDS = 90
LONGEST_DELAY = 0.3
Case = dict[str, Any]

# These answers speak our protocol, and so mean nothing to another site.
OF_OUR_PROTOCOL = {
    "truncated",
    "no_receipts",
    "null_receipt",
    "unknown_status",
    "wrong_id",
    "without_id",
    "keyed_by_id",
    "html_type",
    "text_type",
    "other_json_type",
    "no_status",
    "201_with_receipts",
    "500_with_receipts",
}
# Is never given to its end: there is no moment to go on from.
ENDLESS = {"never_ending"}
ANSWERS = tuple(name for name in HOSTILE if name not in OF_OUR_PROTOCOL | ENDLESS)
A_FEW = ("200_html", "302_to_sign_in", "503_retry_after", "reset")
A, B = "demo1", "demo2"


def save_offline(contender: Contender, stage: Stage, *titles: str) -> None:
    """Write posts on an open page while the link is down, and leave it down."""
    contender.open_form(stage)
    stage.network.pull()
    pages.wait_for_offline(stage)
    for title in titles:
        contender.save(stage, title)
        contender.wait_for_saved(stage, title)


def counted(contender: Contender, stage: Stage, title: str, *, saved_by: str = "", **more: Any) -> Case:
    """With the honest site back: open the page, let the contender finish, and count."""
    stage.open(pages.LIST)
    wait_until(lambda: contender.settled(stage), f"{contender.name} has finished", seconds=SETTLE_SECONDS)
    return {
        **more,
        "saved_by": saved_by,
        "authors": contender.authors(stage, title),
        "on_the_device": contender.waiting(stage).count(title),
    }


def telling(behaviour: Behaviour, given: threading.Event) -> Behaviour:
    """The behaviour, and the event set when it has been carried out."""

    def behave(here: proxy.Proxy, exchange: Exchange, client: socket.socket) -> None:
        try:
            behaviour(here, exchange, client)
        finally:
            given.set()

    return behave


def answered(contender: Contender, stage: Stage, name: str, behaviour: Behaviour) -> Case:
    """Save a post offline, come back to an answer, and then to the honest site."""
    title = f"Answered by {name}"
    save_offline(contender, stage, title)
    given = threading.Event()
    stage.proxy.on(contender.path, telling(behaviour, given))
    stage.network.plug_in()
    wait_until(given.is_set, "it has been tried, and answered so")
    stage.proxy.heal()
    return counted(contender, stage, title, answer=name)


def answers(contender: Contender, stage: Stage, names: tuple[str, ...] = ANSWERS) -> Iterator[Case]:
    """Row B2: whatever answers in the site's place."""
    for name in names:
        yield answered(contender, stage, name, HOSTILE[name])


def lost_answer(contender: Contender, stage: Stage) -> Iterator[Case]:
    """Row B8: the site has done what it was asked, and the answer never comes."""
    for cut in (proxy.cut_after_request, proxy.cut_before_answer, proxy.cut_inside_answer):
        yield answered(contender, stage, cut.__name__, cut)


def delays(seed: int, many: int) -> list[float]:
    """The moments of the kills, in seconds after what they follow: the same for both."""
    chance = random.Random(seed)
    return [round(chance.uniform(0, LONGEST_DELAY), 3) for _ in range(many)]


def kills_before_send(contender: Contender, stage: Stage, seed: int, many: int) -> Iterator[Case]:
    """The browser dies when the post is saved and the link is still down."""
    for number, delay in enumerate(delays(seed, many), start=1):
        title = f"Killed before sending {number}"
        save_offline(contender, stage, title)
        yield killed(contender, stage, title, delay)


def kills_during_request(contender: Contender, stage: Stage, seed: int, many: int) -> Iterator[Case]:
    """The browser dies while it is sending; the site never hears of the request."""
    for number, delay in enumerate(delays(seed + 1, many), start=1):
        title = f"Killed while sending {number}"
        save_offline(contender, stage, title)
        gate = Gate()

        def hold(here: proxy.Proxy, exchange: Exchange, client: socket.socket, gate: Gate = gate) -> None:
            gate.wait(here, exchange)

        yield from held_and_killed(contender, stage, title, gate, hold, delay)


def kills_before_answer(contender: Contender, stage: Stage, seed: int, many: int) -> Iterator[Case]:
    """The browser dies when the site has the post, and before it reads the answer."""
    for number, delay in enumerate(delays(seed + 2, many), start=1):
        title = f"Killed before the answer {number}"
        save_offline(contender, stage, title)
        gate = Gate()
        yield from held_and_killed(contender, stage, title, gate, gate.before_answer, delay)


def kills_after_answer(contender: Contender, stage: Stage, seed: int, many: int) -> Iterator[Case]:
    """The browser dies when the answer has come, while it does what it does about that."""
    for number, delay in enumerate(delays(seed + 3, many), start=1):
        title = f"Killed after the answer {number}"
        save_offline(contender, stage, title)
        given = threading.Event()
        stage.proxy.on(contender.path, telling(proxy.forward, given))
        stage.network.plug_in()
        wait_until(given.is_set, "the answer has been given")
        yield killed(contender, stage, title, delay)


def held_and_killed(
    contender: Contender, stage: Stage, title: str, gate: Gate, hold: Behaviour, delay: float
) -> Iterator[Case]:
    """Let the post be sent into the gate, and kill the browser there."""
    stage.proxy.on(contender.path, hold)
    stage.network.plug_in()
    wait_until(lambda: gate.held, "the post is on its way")
    yield killed(contender, stage, title, delay, gate)


def killed(contender: Contender, stage: Stage, title: str, delay: float, gate: Gate | None = None) -> Case:
    """Kill the browser after the delay, start it again on an honest site, and count."""
    # No condition is waited for here: a kill comes when it comes.
    time.sleep(delay)
    stage.browser.kill()
    stage.proxy.heal()
    if gate:
        gate.open()
    stage.network.plug_in()
    stage.browser.start()
    return counted(contender, stage, title, after_ms=round(delay * 1000))


def senders(contender: Contender, stage: Stage, rounds: int) -> Iterator[Case]:
    """Row B6: each of four tabs saves a post offline; all come back at once, and with them the worker."""
    tabs = [stage.driver.current_window_handle]
    for _ in range(3):
        pages.new_tab(stage.driver)
        tabs.append(stage.driver.current_window_handle)
    for number in range(1, rounds + 1):
        titles = [f"Round {number} of tab {tab}" for tab in range(1, len(tabs) + 1)]
        for tab in tabs:
            stage.driver.switch_to.window(tab)
            contender.open_form(stage)
        stage.network.pull()
        pages.wait_for_offline(stage)
        for tab, title in zip(tabs, titles, strict=True):
            stage.driver.switch_to.window(tab)
            contender.save(stage, title)
            contender.wait_for_saved(stage, title)
        stage.network.plug_in()
        for title in titles:
            wait_until(lambda title=title: contender.authors(stage, title), f"{title!r} has arrived")
        for title in titles:
            case = counted(contender, stage, title)
            yield {**case, "requests": reached(contender, stage, title)}


def reached(contender: Contender, stage: Stage, title: str) -> int:
    """How many requests have brought the post to the site."""
    arrived = [exchange for exchange in stage.proxy.requests(contender.path) if exchange.reached_site]
    return sum(contender.carries(exchange, title) for exchange in arrived)


def owners(contender: Contender, stage: Stage) -> Iterator[Case]:
    """Row D1: A saves offline and signs out, B signs in, and only then does the site take anything; then A is back."""
    titles = [f"Written by A, {number}" for number in (1, 2, 3)]
    pages.sign_in(stage, A)
    save_offline(contender, stage, *titles)
    stage.proxy.on(contender.path, proxy.refuse)
    stage.network.plug_in()
    pages.sign_out(stage)
    pages.sign_in(stage, B)
    stage.proxy.heal()
    contender.open_form(stage)
    contender.save(stage, "Written by B")
    wait_until(lambda: contender.authors(stage, "Written by B"), "B's own post has arrived")
    wait_until(
        lambda: contender.settled_for(stage, foreign=titles), "no more goes out under B", seconds=SETTLE_SECONDS
    )
    under_b = {title: contender.authors(stage, title) for title in titles}
    pages.sign_out(stage)
    pages.sign_in(stage, A)
    for title in titles:
        yield counted(contender, stage, title, saved_by=A, while_b_was_there=under_b[title])
