"""Everybody comes back at once, and the site can take a few of them at a time (row B12)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CROWD = Path(__file__).with_name("crowd.js")
NODE = Path(sys.executable).with_name("node")
DEVICES = 200
# A second of the time in which those who were turned away come again.
CROWDED = DEVICES // 4


def come_back(mistake: str = "none", seed: int = 1) -> dict[str, dict[str, float]]:
    run = subprocess.run([NODE, CROWD, str(DEVICES), str(seed), mistake], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return dict(json.loads(run.stdout))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_b12_a_crowd_spreads_waits_as_it_is_told_and_gets_through(seed: int) -> None:
    found = come_back(seed=seed)
    for came in found.values():
        assert (came["delivered"], came["twice"], came["early"]) == (DEVICES, 0, 0)
    assert found["with_a_time"]["busiest"] <= CROWDED


def test_b12_without_jitter_the_crowd_stays_together() -> None:
    found = come_back("no_jitter")
    assert found["without"]["delivered"] < DEVICES
    assert found["with_a_time"]["busiest"] > CROWDED


def test_b12_who_ignores_what_the_site_asks_for_is_noticed() -> None:
    assert come_back("ignores_retry_after")["with_a_time"]["early"] > 0
