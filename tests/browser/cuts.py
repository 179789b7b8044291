"""Rounds in which the link is cut again and again, at moments that a seed chooses (P2, P3, rows B8, B10 and B11)."""

from __future__ import annotations

import random
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from . import acts, pages, proxy
from .acts import Witness
from .moments import MOMENTS, Moment, close, go_on
from .stage import Stage

KINDS: dict[str, Callable[[socket.socket], None]] = {
    "pulled": go_on,
    "reset": proxy.reset,
    "truncated": close,
    "stalled": go_on,
}


@dataclass(frozen=True)
class Cut:
    """One failure of the way to the site, in the delivery of the last of some posts."""

    kind: str
    moment: str
    posts: int
    # Seconds until everything is as it was.
    away: float
    writes_meanwhile: bool


def plan(chance: random.Random) -> Cut:
    """The next cut, chosen by the seed alone."""
    return Cut(
        kind=chance.choice(["pulled", *KINDS]),
        moment=chance.choice(list(MOMENTS)),
        posts=chance.randint(1, 2),
        away=chance.uniform(0, 2),
        writes_meanwhile=chance.random() < 0.5,
    )


def round_(stage: Stage, seed: int, cuts: int) -> Counter[str]:
    """So many cuts in the life of one browser, and what came of them: `cuts`, `pulled`, and what the audit counts."""
    chance = random.Random(f"cuts, {stage.browser.name} {seed}")
    witness = Witness(f"{stage.browser.name}, cuts, seed {seed}")
    counts: Counter[str] = Counter()
    pages.keep_pages(stage)
    for _ in range(cuts):
        cut = plan(chance)
        suffer(stage, cut, witness, chance)
        counts.update(cuts=1, pulled=cut.kind == "pulled")
    acts.drain(stage)
    counts.update(acts.audit(stage, witness))
    return counts


def suffer(stage: Stage, cut: Cut, witness: Witness, chance: random.Random) -> None:
    """Write some posts, lose the way to the site while the last is delivered, and have it back."""
    for _ in range(cut.posts - 1):
        acts.open_form(stage)
        acts.write(stage, witness.new_act(chance))
    acts.open_form(stage)
    moment = Moment(cut.moment, then=KINDS[cut.kind])
    acts.write_until(stage, witness.new_act(chance), moment)
    if cut.kind == "pulled":
        stage.network.pull()
    if cut.kind != "stalled":
        moment.let_go()
    if cut.writes_meanwhile:
        acts.open_form(stage)
        acts.write(stage, witness.new_act(chance))
    time.sleep(cut.away)
    if cut.kind == "pulled":
        stage.network.plug_in()
    stage.proxy.heal()
    moment.let_go()
