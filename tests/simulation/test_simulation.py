"""The device under a seeded scheduler: every promise in schedules of every fault, and every mutant caught."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SIMULATION = Path(__file__).with_name("main.js")
NODE = Path(sys.executable).with_name("node")
SCHEDULES = 2000
FAULTS = [
    "answer_late",
    "answer_lost",
    "blocked_upgrade",
    "cache_full",
    "cache_hangs",
    "clock_jump",
    "dead_handle",
    "dies_over_cache",
    "hostile",
    "kill_tab",
    "kill_worker",
    "leave",
    "open_hangs",
    "owner_switch",
    "poison",
    "power_cut",
    "quota",
    "request_lost",
    "retry_after",
    "sign_out",
    "sign_out_fails",
    "status",
    "sync_refused",
    "token_change",
    "transaction_aborts",
    "transaction_hangs",
    "update",
]
COUNTS = re.compile(r"^(\d+) schedules .*: (\d+) violations\. (\d+) of (\d+) mutants caught\.$", re.MULTILINE)


def simulate(*arguments: object) -> tuple[int, str]:
    run = subprocess.run([NODE, SIMULATION, *map(str, arguments)], capture_output=True, text=True, check=False)
    return run.returncode, run.stdout + run.stderr


@pytest.fixture(scope="module")
def output():
    return simulate("--seeds", SCHEDULES)


def test_no_schedule_breaks_a_promise_and_no_mutant_gets_by(output):
    status, printed = output
    assert status == 0, printed
    schedules, violations, caught, mutants = map(int, COUNTS.search(printed).groups())
    assert schedules >= SCHEDULES
    assert violations == 0
    assert caught == mutants >= 37


@pytest.mark.parametrize("fault", FAULTS)
def test_every_kind_of_fault_has_been_injected(output, fault):
    assert re.search(rf"^ +[1-9]\d* +{fault}\b", output[1], re.MULTILINE), output[1]


def test_a_seed_goes_the_same_way_twice():
    traces = [simulate("--seed", 7) for _ in range(2)]
    assert traces[0] == traces[1]
    assert traces[0][0] == 0
    assert len(traces[0][1].splitlines()) > 5


def test_a_failing_schedule_fails_the_run_and_prints_its_trace(output):
    seed = re.search(r"caught by +(\d+) B1 removes before it sends", output[1])[1]
    status, printed = simulate("--seed", seed, "--mutant", "removes before it sends")
    assert status == 1
    assert "VIOLATION P2" in printed
