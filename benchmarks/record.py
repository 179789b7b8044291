"""What a run of the benchmark came to, as docs/benchmarks.json keeps it, and docs/benchmarks.md, which is made of it.

`python -m benchmarks.record write` makes the page, `write --check` fails where it is not what the record has.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.browser.site import ROOT

FILE = ROOT / "docs" / "benchmarks.json"
VISITS = {
    "first": "first visit, the list",
    "list": "visit again, the list",
    "form": "visit again, the form",
    "list_down": "server down, the list",
    "form_down": "server down, the form",
}
FIGURES = {
    "fcp": "first contentful paint, ms",
    "lcp": "largest contentful paint, ms",
    "dcl": "DOMContentLoaded, ms",
    "page": "the page itself, bytes",
    "ours": "files of the app before first paint, bytes",
}
# What bears on a visit: where the server is down, nothing comes over the wire.
SHOWN = {
    "first": ("fcp", "lcp", "dcl", "page", "ours"),
    "list": ("fcp", "lcp"),
    "form": ("fcp", "lcp"),
    "list_down": ("fcp", "lcp"),
    "form_down": ("fcp", "lcp"),
}
NO_SITE = "does not open"


def table(record: Mapping[str, Any]) -> str:
    """The medians, with the smallest and the largest of the runs, as a table in Markdown."""
    lines = [
        "| visit | figure | with the app | without it | difference |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for visit, figures in SHOWN.items():
        for figure in figures:
            ours, theirs = (values(record, side, visit, figure) for side in ("with", "without"))
            cells = [VISITS[visit], FIGURES[figure], cell(ours), cell(theirs) if theirs else NO_SITE]
            lines.append(f"| {' | '.join(cells)} | {difference(ours, theirs)} |")
    return "\n".join(lines)


def values(record: Mapping[str, Any], side: str, visit: str, figure: str) -> list[float]:
    """What the runs of one side came to; nothing where no page has opened."""
    return [run[visit][figure] for run in record["visits"][side] if figure in run[visit]]


def cell(found: Sequence[float]) -> str:
    """Median, smallest and largest."""
    return f"**{median(found):,.0f}** ({min(found):,.0f}–{max(found):,.0f})"


def difference(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Between the medians."""
    return f"{median(ours) - median(theirs):+,.0f}" if theirs else ""


def page(record: Mapping[str, Any]) -> str:
    """The whole of docs/benchmarks.md."""
    machine, versions, link = record["machine"], record["versions"], record["link"]
    changed = ", with uncommitted changes" if record["uncommitted_changes"] else ""
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    parts = [
        "# Benchmarks",
        "",
        "Made by `make bench` out of [benchmarks.json](benchmarks.json), which has the figures of every run; not "
        "written by hand. What is measured, and how, is said in [benchmarks/](../benchmarks/__init__.py).",
        "",
        f"`{record['command']}` on {record['date'][:10]}, at commit {record['commit'][:12]}{changed}: "
        f"{machine['cpus']} CPUs with a load of {machine['load']} at the start; {named}. The link: "
        f"{link['round_trip_ms']} ms round trip, {link['kbit_per_second']} kbit/s each way.",
        "",
        f"Medians of {record['runs']} runs, with the smallest and the largest:",
        "",
        table(record),
    ]
    return "\n".join(parts) + "\n"


def load(file: Path) -> dict[str, Any]:
    """A record that was kept."""
    return dict(json.loads(file.read_text()))


def write(record: Mapping[str, Any], file: Path) -> None:
    """Keep the record, and make the page beside it."""
    file.write_text(json.dumps(record, indent=1) + "\n")
    page_of(file).write_text(page(record))


def page_of(file: Path) -> Path:
    """The page that is made of a record."""
    return file.with_suffix(".md")


def check(file: Path) -> int:
    """Whether the page is what the record has; without a record there is to be no page either."""
    made = page(load(file)) if file.exists() else None
    found = page_of(file).read_text() if page_of(file).exists() else None
    if found == made:
        return 0
    print(f"{page_of(file).name} is not what {file.name} has: run `python -m benchmarks.record write`.")
    return 1


def main(arguments: list[str]) -> int:
    """Do what is asked; the exit status says whether all is well."""
    match arguments:
        case ["write"]:
            write(load(FILE), FILE)
            return 0
        case ["write", "--check"]:
            return check(FILE)
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
