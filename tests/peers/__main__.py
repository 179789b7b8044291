"""`python -m tests.peers`: run the comparison, write docs/peers.json and print its table."""

from __future__ import annotations

import argparse
import configparser
import json
import platform
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django

from tests.browser.site import ROOT, prepare
from tests.browser.stage import Stage

from . import experiments
from .contenders import App, AskedWorkbox, Contender, Workbox, opened
from .experiments import Case
from .record import counts, table
from .site import PACKAGES

SEED = 7
RECORD = ROOT / "docs" / "peers.json"
Experiment = Callable[[Contender, Stage], Iterable[Case]]


def chosen(*, quick: bool) -> dict[str, Experiment]:
    """The experiments by the names of their rows."""
    kills, names = (1, experiments.A_FEW) if quick else (3, experiments.ANSWERS)
    return {
        "answers": lambda contender, stage: experiments.answers(contender, stage, names),
        "kills_before_send": lambda *both: experiments.kills_before_send(*both, SEED, kills),
        "kills_during_request": lambda *both: experiments.kills_during_request(*both, SEED, kills),
        "kills_before_answer": lambda *both: experiments.kills_before_answer(*both, SEED, kills),
        "kills_after_answer": lambda *both: experiments.kills_after_answer(*both, SEED, kills),
        "lost_answer": experiments.lost_answer,
        "senders": lambda *both: experiments.senders(*both, 1),
        "owners": experiments.owners,
    }


def rounds(*, quick: bool) -> list[tuple[Contender, dict[str, Experiment]]]:
    """Who is tried with what, each on a stage of its own."""
    # Our app's tabs send by themselves: it is the same experiment once more.
    asking = {"asking_senders": lambda *both: experiments.senders(*both, 1 if quick else 2)}
    usual = chosen(quick=quick)
    return [(Workbox(), usual), (AskedWorkbox(), asking), (App(), usual), (App(), asking)]


def compare(*, quick: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """The cases of every experiment, and the versions they ran on."""
    cases: dict[str, Any] = {}
    versions = {
        "django": django.get_version(),
        "python": platform.python_version(),
        "workbox": json.loads((PACKAGES / "workbox-background-sync" / "package.json").read_text())["version"],
        "django-offlinesync": own_version(),
    }
    with tempfile.TemporaryDirectory(prefix="offlinesync-peers-") as directory:
        template = prepare(Path(directory))
        for contender, tried in rounds(quick=quick):
            with opened(contender, template) as stage:
                versions["chromium"] = stage.driver.capabilities["browserVersion"]
                for name, experiment in tried.items():
                    found = cases.setdefault(name, {})[contender.name] = []
                    for case in experiment(contender, stage):
                        found.append(case)
                        print(f"{name}, {contender.name}: {case}", file=sys.stderr, flush=True)
    return cases, versions


def own_version() -> str:
    """The version that setup.cfg names."""
    package = configparser.ConfigParser()
    package.read(ROOT / "setup.cfg")
    return package["metadata"]["version"]


def git(*arguments: str) -> str:
    """What git says."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def main() -> None:
    """Compare, write and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.peers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer answers and kills; the record is not written")
    quick = parser.parse_args().quick
    # Whoever ends the run ends its browsers and servers with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    commit, changed = git("rev-parse", "HEAD"), bool(git("status", "--porcelain"))
    cases, versions = compare(quick=quick)
    record = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["python", "-m", "tests.peers", *sys.argv[1:]]),
        "commit": commit,
        "uncommitted_changes": changed,
        "seed": SEED,
        "versions": dict(sorted(versions.items())),
        "counts": {name: {who: counts(found) for who, found in sides.items()} for name, sides in cases.items()},
        "cases": cases,
    }
    if not quick:
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
    print(table(record), end="")


if __name__ == "__main__":
    main()
