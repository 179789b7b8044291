"""The counts of the endurance runs, added up over runs in one file."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docs" / "endurance.json"
# Where one of these is not 0, a promise is broken.
FAULTS = ("lost", "twice", "differing_receipts", "wrongly_answered", "row_without_effect", "effect_without_row")
COLUMNS = ("saved", "delivered", "lost", "twice")


@dataclass(frozen=True)
class Target:
    """What a part counts, and how far it is meant to come."""

    unit: str
    count: int


TARGETS: Mapping[str, Target] = {
    "chromium": Target("kills", 200),
    "firefox": Target("kills", 50),
    "webkit": Target("kills", 50),
    "links": Target("cuts", 50),
    "twins": Target("requests", 100_000),
}


def faults(counts: Mapping[str, int]) -> dict[str, int]:
    """What must not be there."""
    return {name: counts[name] for name in FAULTS if counts.get(name)}


def load(file: Path) -> dict[str, Any]:
    """The record so far."""
    return dict(json.loads(file.read_text())) if file.exists() else {}


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Keep other runs that add to the same record waiting."""
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def claim(file: Path, part: str) -> int:
    """The next seed of a part that no run has had, for this one."""
    with locked(file):
        record = load(file)
        kept = record.setdefault(part, {})
        seed = int(kept.get("next_seed", 1))
        kept["next_seed"] = seed + 1
        write(file, record)
    return seed


def break_off(file: Path, part: str, seed: int) -> None:
    """Note down a round that has not come to its end, until it does."""
    with locked(file):
        record = load(file)
        kept = record.setdefault(part, {})
        kept["broken_off"] = sorted({*kept.get("broken_off", []), seed})
        write(file, record)


def add(file: Path, part: str, seed: int, counts: Mapping[str, int], *, engine: str, command: str) -> None:
    """Add what one round came to."""
    with locked(file):
        record = load(file)
        kept = record.setdefault(part, {})
        kept["broken_off"] = [broken for broken in kept.get("broken_off", []) if broken != seed]
        target = TARGETS[part]
        kept.update(unit=target.unit, target=target.count, rounds=kept.get("rounds", 0) + 1)
        kept["counts"] = dict(Counter(kept.get("counts", {})) | Counter(dict.fromkeys(COLUMNS, 0)))
        kept["counts"] = {
            name: kept["counts"].get(name, 0) + counts.get(name, 0) for name in sorted({*kept["counts"], *counts})
        }
        kept["engines"] = sorted({*kept.get("engines", []), engine})
        kept.update(date=datetime.now(UTC).date().isoformat(), command=command, commit=commit())
        write(file, record)


def write(file: Path, record: Mapping[str, Any]) -> None:
    """Put the record in the place of the old one, in one step."""
    scratch = file.with_name(f".{file.name}.{os.getpid()}")
    scratch.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    scratch.replace(file)


def commit() -> str:
    """The commit that is tested."""
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout.strip()


def share(record: Mapping[str, Any], part: str) -> float:
    """How much of its target a part has come to."""
    target = TARGETS[part]
    done = record.get(part, {}).get("counts", {}).get(target.unit, 0)
    return float(done / target.count)


def table(record: Mapping[str, Any]) -> str:
    """The record as a table in Markdown."""
    lines = [
        "| part | done | of | rounds | broken off | saved | delivered | lost | twice | besides | with | last run |",
        "| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | --- | --- | --- |",
    ]
    for part, target in TARGETS.items():
        kept = record.get(part, {})
        counts = kept.get("counts", {})
        shown = [f"{counts.get(name, 0):,}" for name in COLUMNS]
        besides = [
            f"{name.replace('_', ' ')} {number:,}"
            for name, number in counts.items()
            if name not in (*COLUMNS, target.unit)
        ]
        last = f"{kept['date']}, {kept['commit']}" if "date" in kept else "never"
        cells = [
            f"{part} ({target.unit})",
            f"{counts.get(target.unit, 0):,}",
            f"{target.count:,}",
            str(kept.get("rounds", 0)),
            ", ".join(f"seed {seed}" for seed in kept.get("broken_off", [])) or "none",
            *shown,
            ", ".join(besides),
            ", ".join(kept.get("engines", [])),
            last,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
