"""Some of the rounds that `make endurance` plays by the hundred (P1 to P3, rows B1, B7, B8 and B10)."""

from __future__ import annotations

from collections import Counter

import pytest

from . import cuts, kills
from .matrix import wide
from .stage import Stage, Way

# Seeds whose lives are unlike each other: kills.plan and cuts.plan tell what they hold.
KILLS = [
    ("chromium", 3, 2),
    wide("firefox", 1, 1),
    wide("webkitgtk", 1, 1),
]


def assert_nothing_lost(counts: Counter[str]) -> None:
    """Whatever the page has called saved is on the site, once."""
    assert counts["lost"] == counts["twice"] == 0, counts
    assert 0 < counts["saved"] <= counts["delivered"], counts


@pytest.mark.parametrize(("engine", "seed", "lives"), KILLS)
def test_b1_p1_p3_killed_at_moments_that_a_seed_chooses(stage: Stage, seed: int, lives: int) -> None:
    counts = kills.round_(stage, seed, lives)
    assert counts["kills"] == lives
    assert_nothing_lost(counts)


@pytest.mark.wide
@pytest.mark.parametrize("way", [Way.CABLE])
def test_b10_p3_cut_at_moments_that_a_seed_chooses(stage: Stage) -> None:
    counts = cuts.round_(stage, 1, 2)
    assert counts["cuts"] == 2
    assert_nothing_lost(counts)
