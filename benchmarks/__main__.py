"""`python -m benchmarks`: visit the demo with the app and without it, keep what came of it, and print the table."""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
from selenium.common.exceptions import WebDriverException
from urllib3.exceptions import HTTPError

from tests.browser.engines import BrowserMissing
from tests.browser.network import Namespace, missing_for_network
from tests.browser.site import ROOT, prepare

from . import record
from .link import KBIT_PER_SECOND, ROUND_TRIP_MS
from .visits import Broken, Figures, sides

RUNS = 9
# What a visit ends with that does not come to its figures; an AssertionError is a wait that was in vain.
BROKEN_OFF = (AssertionError, Broken, BrowserMissing, HTTPError, OSError, RuntimeError, WebDriverException)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="visitors on each side: %(default)s")
    parser.add_argument(
        "--record", type=Path, default=record.FILE, help="the file for the figures; a page is made beside it"
    )
    return parser.parse_args()


def measure(runs: int) -> dict[str, list[dict[str, Figures]]]:
    """What each side's visitors have seen, one after the other, with and without in turn."""
    found: dict[str, list[dict[str, Figures]]] = {}
    # Nothing that the browser wants from elsewhere gets out, where root allows it.
    namespace = Namespace() if missing_for_network() else Namespace.create()
    try:
        with tempfile.TemporaryDirectory(prefix="offlinesync-benchmarks-") as directory:
            template = prepare(Path(directory))
            with sides(template, namespace) as both:
                for number in range(runs):
                    for side in both:
                        visits = side.visitor()
                        found.setdefault(side.name, []).append(visits)
                        print(f"run {number + 1}, {side.name}: {visits}", file=sys.stderr, flush=True)
    finally:
        namespace.close()
    return found


def output_of(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def conditions(runs: int) -> dict[str, Any]:
    """All that the figures hold for."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]]),
        "commit": output_of("git", "rev-parse", "HEAD"),
        "uncommitted_changes": bool(output_of("git", "status", "--porcelain")),
        "runs": runs,
        "machine": {"cpus": os.cpu_count(), "load": round(os.getloadavg()[0], 2)},
        "versions": {
            "Chromium": output_of(shutil.which("chromium") or "chromium", "--version").split()[1],
            "Django": django.get_version(),
            "Python": platform.python_version(),
        },
        "link": {"round_trip_ms": ROUND_TRIP_MS, "kbit_per_second": KBIT_PER_SECOND},
    }


def main() -> int:
    """Measure, write and print; the exit status says whether all visits were what they were to be."""
    wish = arguments()
    # Whoever ends the run ends its browsers and servers with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        kept = {**conditions(wish.runs), "visits": measure(wish.runs)}
    except BROKEN_OFF as error:
        print(f"A measurement broke, and nothing was written: {str(error).strip()}", file=sys.stderr)
        return 1
    record.write(kept, wish.record)
    print(record.table(kept))
    return 0


if __name__ == "__main__":
    sys.exit(main())
