"""Rounds in which a browser is killed again and again, at moments that a seed chooses (P1 to P3, rows B1 and B7)."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from selenium.common.exceptions import WebDriverException
from urllib3.exceptions import HTTPError

from . import acts, pages, proxy
from .acts import Act, Witness
from .moments import MOMENTS, Moment
from .processes import marked_processes
from .proxy import SESSION, SUBMISSIONS, Behaviour
from .stage import Stage
from .waiting import wait_until
from .wire import Exchange

# What lies between browser and site until the last post of a life is written.
WEATHERS: dict[str, dict[str, Behaviour]] = {
    "fair": {},
    "no_session": {SESSION: proxy.refuse},
    "refused": {SUBMISSIONS: proxy.refuse},
    "answers_cut": {SUBMISSIONS: proxy.cut_inside_answer},
    "requests_cut": {SUBMISSIONS: proxy.cut_after_request},
}
# Nothing is seen of them from outside: the time since the button was pressed, or since the page said "saved", decides.
UNSEEN = ("saving", "saved")
HAS_ENDED_SCRIPT = "return !document.querySelector('main form [name=title]')?.value"


@dataclass(frozen=True)
class Life:
    """What happens in one life of a browser, from its start to its SIGKILL."""

    weather: str
    posts: int
    patient: bool
    moment: str
    delay: float
    # The moment at which its worker is stopped before that, or None.
    stop: str | None


def plan(chance: random.Random, *, has_worker_to_stop: bool) -> Life:
    """The next life, chosen by the seed alone."""
    moment = chance.choice([*UNSEEN, *UNSEEN, *MOMENTS])
    stops_worker = has_worker_to_stop and chance.random() < 0.4
    return Life(
        weather=chance.choice(list(WEATHERS)),
        posts=chance.randint(1, 3),
        patient=chance.random() < 0.5,
        moment=moment,
        delay=chance.uniform(0, 0.08 if moment == "saving" else 0.04),
        stop=chance.choice(list(MOMENTS)) if stops_worker else None,
    )


def round_(stage: Stage, seed: int, lives: int) -> Counter[str]:
    """So many kills on one profile, and what came of them: `kills`, `worker_stops`, and what the audit counts."""
    chance = random.Random(f"{stage.browser.name} {seed}")
    witness = Witness(f"{stage.browser.name}, seed {seed}")
    counts: Counter[str] = Counter()
    for _ in range(lives):
        life = plan(chance, has_worker_to_stop=stage.browser.has_sync_manager)
        live(stage, life, witness, chance)
        counts.update(kills=1, worker_stops=life.stop is not None)
        stage.browser.start()
    acts.drain(stage)
    counts.update(acts.audit(stage, witness))
    return counts


def live(stage: Stage, life: Life, witness: Witness, chance: random.Random) -> None:
    """One life: write some posts in its weather, and be killed at its moment with the last one."""
    if life.stop:
        stop_worker(stage, life.stop, witness.new_act(chance))
    for path, behaviour in WEATHERS[life.weather].items():
        stage.proxy.on(path, behaviour)
    for _ in range(life.posts - 1):
        acts.open_form(stage)
        acts.write(stage, witness.new_act(chance))
        if life.patient:
            wait_for_the_end(stage)
    acts.open_form(stage)
    act = witness.new_act(chance)
    stage.proxy.heal()
    if life.moment in UNSEEN:
        kill_unseen(stage, life, act)
    else:
        kill_at(stage, Moment(life.moment), life.delay, act)


def wait_for_the_end(stage: Stage) -> None:
    """Wait until the first attempt has ended: the form is empty then, or the page has gone on to the list."""
    wait_until(lambda: stage.driver.execute_script(HAS_ENDED_SCRIPT), "the first attempt has ended")


def kill_unseen(stage: Stage, life: Life, act: Act) -> None:
    """Write the post, and kill the browser a moment after the button or after "saved"."""
    kill = killer(stage)
    if life.moment == "saving":
        timer = threading.Timer(life.delay, kill)
        timer.start()
        # The page may have no more time to say anything.
        with suppress(WebDriverException, HTTPError):
            acts.write(stage, act)
        timer.join()
    else:
        acts.write(stage, act)
        time.sleep(life.delay)
        kill()
    stage.browser.kill()


def kill_at(stage: Stage, moment: Moment, delay: float, act: Act) -> None:
    """Write the post, and kill the browser when its delivery has come to the moment."""
    kill = killer(stage)
    acts.write_until(stage, act, moment)
    time.sleep(delay)
    kill()
    stage.browser.kill()
    stage.proxy.heal()
    moment.let_go()


def killer(stage: Stage) -> Callable[[], None]:
    """What kills all processes of the browser at once: they are looked up beforehand, because that takes its time."""
    doomed = marked_processes(stage.browser.mark)

    def kill() -> None:
        for pid in doomed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    return kill


def from_worker(exchange: Exchange) -> bool:
    """Whether the worker sends it."""
    return exchange.from_worker


def from_page(exchange: Exchange) -> bool:
    """Whether a page sends it."""
    return not exchange.from_worker


def stop_worker(stage: Stage, name: str, act: Act) -> None:
    """Write a post that only the worker gets through with, and stop the worker when it has come to the moment."""
    acts.open_form(stage)
    pages.wait_for_worker(stage)
    moment = Moment(name, concerned=from_worker, otherwise=proxy.where(from_page, proxy.refuse))
    acts.write_until(stage, act, moment)
    stage.driver.execute_cdp_cmd("ServiceWorker.enable", {})
    stage.driver.execute_cdp_cmd("ServiceWorker.stopAllWorkers", {})
    stage.proxy.heal()
    moment.let_go()
