"""Odd records, damaged or of a release to come, hold up nothing and stay what they are (P6, rows B9 and B13)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ODD = Path(__file__).with_name("odd.js")
NODE = Path(sys.executable).with_name("node")
GOOD = ["good 1", "good 2"]
# In a bit over an hour: two with each attempt, and some attempts thirty seconds apart are what the site asks for.
MOST_REQUESTS = 360
LEFT = {
    "odd stuck": [
        "files are a number",
        "files are a number, and it has failed alone",
        "files are nothing",
        "fields hold what JSON cannot",
        "no id",
        "an id that is a number",
        "failures of another kind",
    ],
    "odd refused": [
        "a file without a size",
        "fields are missing",
        "no form",
        "no group, and it is refused",
    ],
    "odd waiting": ["a file without a part"],
}
LONG = ["a hold of many years"]


@pytest.fixture(scope="module")
def found():
    run = subprocess.run([NODE, ODD, "1"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_b9_p6_whatever_is_odd_about_an_entry_the_others_go_out_once(found):
    wrong = {
        name: came
        for name, came in found.items()
        if [title for title in came["delivered"] if title != "odd"] != GOOD
        or (not came["isSoon"] and name not in LONG)
        or came["requests"] > MOST_REQUESTS
        or came["reported"]
    }
    assert not wrong


def test_b9_p2_an_odd_entry_is_delivered_once_or_stays(found):
    expected = {name: [state] for state, names in LEFT.items() for name in names}
    assert {name: came["left"] for name, came in found.items() if came["left"]} == expected
    assert all(came["delivered"].count("odd") == (name not in expected) for name, came in found.items())
