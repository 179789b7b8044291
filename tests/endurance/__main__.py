"""Plays rounds of kills, cuts and twins for as long as it is told, and adds up what came of them."""

from __future__ import annotations

import argparse
import logging
import shlex
import sys
import time
import traceback
from pathlib import Path

from selenium.common.exceptions import WebDriverException
from urllib3.exceptions import HTTPError

from tests.browser.engines import BrowserMissing

from . import record
from .record import TARGETS
from .rounds import Rounds, folder_of

# What a round ends with that does not come to its audit.
BROKEN_OFF = (AssertionError, BrowserMissing, HTTPError, OSError, RuntimeError, WebDriverException)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.endurance", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, help="begin no round after these; without it, until the targets are met"
    )
    parser.add_argument("--only", default=",".join(TARGETS), help="parts, with commas: %(default)s")
    parser.add_argument("--seed", type=int, help="the first round's seed; without it, the next that the record lacks")
    parser.add_argument("--record", type=Path, default=record.FILE, help="the file that the counts are added to")
    found = parser.parse_args()
    found.only = found.only.split(",")
    unknown = set(found.only) - set(TARGETS)
    if unknown:
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    return found


class Run:
    """One run: its parts in turn, the one that is furthest behind first."""

    def __init__(self, wish: argparse.Namespace) -> None:
        self.wish = wish
        self.command = shlex.join(["python", "-m", "tests.endurance", *sys.argv[1:]])
        self.until = time.monotonic() + 60 * wish.minutes if wish.minutes else float("inf")
        self.played = dict.fromkeys(wish.only, 0)
        self.failed: list[str] = []

    def next_part(self) -> str | None:
        """The part to go on with: each is played once at least, then until its target is met."""
        kept = record.load(self.wish.record)
        left = [part for part in self.played if not self.played[part] or record.share(kept, part) < 1]
        if not left or time.monotonic() > self.until:
            return None
        return min(left, key=lambda part: (self.played[part] > 0, record.share(kept, part)))

    def play(self, rounds: Rounds, part: str) -> None:
        """One round, into the record; a part that has failed is not gone on with."""
        given = self.wish.seed
        seed = record.claim(self.wish.record, part) if given is None else given + self.played[part]
        self.played[part] += 1
        began = time.monotonic()
        try:
            counts, engine = rounds.play(part, seed)
        except BROKEN_OFF:
            traceback.print_exc()
            record.break_off(self.wish.record, part, seed)
            self.fail(part, seed, "it broke off")
            return
        record.add(self.wish.record, part, seed, counts, engine=engine, command=self.command)
        shown = ", ".join(f"{name} {number:,}" for name, number in counts.items())
        print(f"{part}, seed {seed}: {shown} ({time.monotonic() - began:.0f} s)", flush=True)
        if wrong := record.faults(counts):
            self.fail(part, seed, str(wrong))

    def fail(self, part: str, seed: int, what: str) -> None:
        """Tell how to see it again."""
        again = f"python -m tests.endurance --only {part} --seed {seed}"
        kept = folder_of(f"{part}-{seed}")
        self.failed.append(f"FAILED: {part}, seed {seed}: {what}. Again: {again}; what is left of it: {kept}")
        print(self.failed[-1], flush=True)
        del self.played[part]


def main() -> int:
    """Play; the exit status says whether anything was lost, taken twice, or broke off."""
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    run = Run(arguments())
    with Rounds() as rounds:
        while part := run.next_part():
            run.play(rounds, part)
    print(record.table(record.load(run.wish.record)))
    print(*run.failed, sep="\n")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
