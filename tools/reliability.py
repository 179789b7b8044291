"""Writes docs/reliability.md: which test proves each row of the failure list, where it ran, and what came of it.

    reliability.py record JUNIT_REPORT...   keep what the tests of a run came to, in docs/results.json
    reliability.py amend JUNIT_REPORT...    put what tests came to that were run again, or are new, into what is kept,
                                            and drop what was kept of tests that are gone
    reliability.py check JUNIT_REPORT...    fail where a row of docs/failures.md has no test that passed
    reliability.py write [--check]          make the page of the recorded runs, or fail where it is out of date

No figure is typed in: `make simulate RECORD=…`, `make endurance` and `make peers` leave theirs in docs/ as well.
"""

import ast
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
sys.path.insert(0, str(ROOT))

ROW = re.compile(r"\b([A-E](?:1[0-5]|[1-9]))\b")
ROWS_IN_NAME = re.compile(r"^test((?:_(?:[a-e]\d{1,2}|p\d))+)_")
ENGINES = {"chromium": "Chromium", "firefox": "Firefox", "webkitgtk": "WebKitGTK"}
DATABASES = {"PostgreSQL": "PostgreSQL", "MariaDB": "MariaDB"}
# What cannot be provoked here, and what stands in its place.
NOTES = {
    "A2": "No power is cut: strace counts the flushes to the disk that the browser asks for, at least one a save.",
    "A3": "Safari's lost connection is provoked in Chromium and in the simulation; Safari itself is not run here.",
    "A6": "WebKitGTK stands for WebKit; Safari itself is not run here.",
    "A9": "Safari's seven days are not waited for: the profile's files are deleted and damaged instead.",
    "B5": "Brave is not run here: the permission is refused in Chromium.",
}


def tests_by_row() -> dict[str, set[tuple[str, str]]]:
    """The test functions that name a row in their own name or docstring: row to (file, function)."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for path in sorted(ROOT.glob("tests/**/test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                named = ROWS_IN_NAME.match(node.name)
                rows = set(ROW.findall(named[1].upper().replace("_", " "))) if named else set()
                for row in rows | set(ROW.findall(ast.get_docstring(node) or "")):
                    found[row].add((path.relative_to(ROOT).as_posix(), node.name))
    return found


def outcomes(reports: list[str]) -> dict[tuple[str, str], dict[str, Counter[str]]]:
    """What came of each test function: (file, function) to place to how many cases passed, failed or were skipped."""
    found: dict[tuple[str, str], dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for report in reports:
        for case in ElementTree.parse(report).iter("testcase"):
            file = case.get("classname", "").replace(".", "/") + ".py"
            function, _, parameters = case.get("name", "").partition("[")
            found[file, function][place_of(report, file, parameters)][outcome_of(case)] += 1
    return found


def place_of(report: str, file: str, parameters: str) -> str:
    """The engine a browser test ran in, or the database a Python test ran on."""
    if file.startswith(("tests/browser/", "tests/peers/")):
        return next((name for word, name in ENGINES.items() if word in parameters), "Chromium")
    return next((name for word, name in DATABASES.items() if word in report), "SQLite")


def outcome_of(case: ElementTree.Element) -> str:
    """passed, failed or skipped."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "passed" if case.find("skipped") is None else "skipped"


def results(reports: list[str]) -> dict[str, list[dict[str, Any]]]:
    """For each row of the list, its tests and what they came to."""
    ran = outcomes(reports)
    return {
        row: [
            {"file": file, "test": test, "places": {place: dict(counts) for place, counts in ran[file, test].items()}}
            for file, test in sorted(tests_by_row()[row])
            if (file, test) in ran
        ]
        for row in descriptions()
    }


def descriptions() -> dict[str, str]:
    """The rows of docs/failures.md in their order, with what goes wrong."""
    lines = (DOCS / "failures.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:3]] for line in lines if re.match(r"\| [A-E]\d+ \|", line)]
    return dict(cells)


def check(reports: list[str]) -> int:
    """Name the rows that no test has proved in these reports; the exit status says whether there are any."""
    bare = [row for row, tests in results(reports).items() if not sum(passed(test) for test in tests)]
    for row in bare:
        print(f"row {row} of docs/failures.md: no test that names it has passed")
    return 1 if bare else 0


def passed(test: dict[str, Any]) -> int:
    """How many cases of a test have passed."""
    return sum(counts.get("passed", 0) for counts in test["places"].values())


def record(reports: list[str]) -> int:
    """Keep what a run came to."""
    kept = {"date": datetime.now(UTC).date().isoformat(), "commit": commit(), "rows": results(reports)}
    (DOCS / "results.json").write_text(json.dumps(kept, indent=1) + "\n")
    return 0


def amend(reports: list[str]) -> int:
    """Put what tests have come to that were run again, or are new, into what was recorded, and say so.

    What the tree has no more, or what does not name its row any more, proves nothing and is dropped.
    """
    kept = load("results")
    if kept is None:
        print("There is no record to amend: run `make reliability` first.")
        return 1
    here = tests_by_row()
    for row, tests in kept["rows"].items():
        kept["rows"][row] = [test for test in tests if (test["file"], test["test"]) in here[row]]
    names = set()
    for row, tests in results(reports).items():
        for again in tests:
            recorded = kept["rows"].setdefault(row, [])
            test = next((test for test in recorded if is_same(test, again)), None)
            if test is None:
                recorded.append(again)
            else:
                test["places"] |= again["places"]
            names.add(again["test"])
    run = {"date": datetime.now(UTC).date().isoformat(), "commit": commit(), "tests": sorted(names)}
    kept["amended"] = [*kept.get("amended", []), run]
    (DOCS / "results.json").write_text(json.dumps(kept, indent=1) + "\n")
    return 0


def is_same(test: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether they are the same function, wherever it ran."""
    return (test["file"], test["test"]) == (other["file"], other["test"])


def commit() -> str:
    """The commit that was tested."""
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout.strip()


def load(name: str) -> dict[str, Any] | None:
    """What a run has left in docs/, if there was one."""
    path = DOCS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def page() -> str:
    """The page as its sources have it."""
    ran, simulation, endurance, peers = (load(name) for name in ("results", "simulation", "endurance", "peers"))
    parts = [
        "# Reliability",
        "",
        "Made by `make reliability` out of what the last runs left in this folder; not written by hand. What the rows "
        "mean is in [failures.md](failures.md), what is promised in [promises.md](promises.md).",
        "",
        *rows_section(ran or {"date": "never", "commit": "none", "rows": {}}, simulation),
        *simulation_section(simulation),
        *endurance_section(endurance),
        *peers_section(peers),
    ]
    return "\n".join(parts).rstrip() + "\n"


def rows_section(ran: dict[str, Any], simulation: dict[str, Any] | None) -> list[str]:
    """The table of the failure list."""
    lines = [
        "## The failure list, row by row",
        "",
        f"Run on {ran['date']}, at commit {ran['commit']}, by `make reliability`. A number is how many cases of the "
        "row's tests passed there.",
        "",
        *amended_section(ran.get("amended", [])),
        "| row | what goes wrong | proved by | where | last result | mistakes caught in the simulation |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row, what in descriptions().items():
        tests = ran["rows"].get(row, [])
        lines.append(
            f"| {row} | {what} | {proofs(tests)} | {places(tests)} | {verdict(tests)} | {mutants(row, simulation)} |"
        )
    notes = [f"- {row}: {note}" for row, note in NOTES.items()]
    return [*lines, "", "What could not be provoked as it happens in the field:", "", *notes, ""]


def amended_section(amended: list[dict[str, Any]]) -> list[str]:
    """What was mended after the run, and run again by itself."""
    lines = []
    for run in amended:
        tests = ", ".join(f"`{test}`" for test in run["tests"])
        lines += [f"Run by itself on {run['date']}, at commit {run['commit']}: {tests}.", ""]
    return lines


def proofs(tests: list[dict[str, Any]]) -> str:
    """The tests, by file."""
    by_file: dict[str, list[str]] = defaultdict(list)
    for test in tests:
        by_file[test["file"]].append(f"`{test['test']}`")
    return "; ".join(f"[{Path(file).name}](../{file}): {', '.join(names)}" for file, names in by_file.items())


def places(tests: list[dict[str, Any]]) -> str:
    """How many cases passed where."""
    totals: Counter[str] = Counter()
    for test in tests:
        for place, counts in test["places"].items():
            totals[place] += counts.get("passed", 0)
    return ", ".join(f"{place} {count}" for place, count in totals.items() if count)


def verdict(tests: list[dict[str, Any]]) -> str:
    """The last result in a word."""
    totals: Counter[str] = Counter()
    for test in tests:
        for counts in test["places"].values():
            totals.update(counts)
    if totals["failed"]:
        return f"**{totals['failed']} failed**"
    return "passed" if totals["passed"] else "**not run**"


def mutants(row: str, simulation: dict[str, Any] | None) -> str:
    """The deliberate mistakes against this row, and the seed that caught each."""
    made = [mutant for mutant in (simulation or {}).get("mutants", []) if mutant["row"] == row]
    said = ["**survived**" if mutant["seed"] is None else f"seed {mutant['seed']}" for mutant in made]
    return "; ".join(f"{mutant['name']} ({seed})" for mutant, seed in zip(made, said, strict=True))


def simulation_section(found: dict[str, Any] | None) -> list[str]:
    """Counts of the last long simulation."""
    if not found:
        how = "make simulate SEEDS=1000000 RECORD=docs/simulation.json"
        return ["## The simulation", "", f"Not run at length yet: `{how}`.", ""]
    caught = sum(mutant["seed"] is not None for mutant in found["mutants"])
    faults = ", ".join(f"{kind} {count:,}" for kind, count in sorted(found["injected"].items()))
    return [
        "## The simulation",
        "",
        f"`{found['command']}` on {found['date']}, at commit {found['commit']}: {found['schedules']:,} schedules, "
        f"{found['steps']:,} steps, {found['seconds']:,} s, **{len(found['failures'])} violations**; "
        f"{caught} of {len(found['mutants'])} deliberate mistakes caught.",
        "",
        f"Faults injected: {faults}.",
        "",
    ]


def endurance_section(found: dict[str, Any] | None) -> list[str]:
    """Counts of the endurance runs, added up."""
    lines = ["## Endurance", ""]
    if not found:
        return [*lines, "Not run at length yet: `make endurance`.", ""]
    from tests.endurance.record import table

    return [*lines, "`make endurance`, its counts added up over runs:", "", table(found), ""]


def peers_section(found: dict[str, Any] | None) -> list[str]:
    """The comparison with others."""
    lines = ["## Beside Workbox's background sync", ""]
    if not found:
        return [*lines, "Not run yet: `make peers`.", ""]
    from tests.peers.record import table

    return [*lines, f"`{found['command']}` on {found['date'][:10]}, one run:", "", table(found), ""]


def write(*, only_check: bool) -> int:
    """Write the page, or say that it is not what its sources have."""
    path, made = DOCS / "reliability.md", page()
    if not only_check:
        path.write_text(made)
        return 0
    if path.exists() and path.read_text() == made:
        return 0
    print("docs/reliability.md is out of date: run `python tools/reliability.py write`.")
    return 1


def main(arguments: list[str]) -> int:
    """Do what is asked; the exit status says whether all is well."""
    match arguments:
        case ["record", *reports] if reports:
            return record([report for report in reports if not report.endswith("*.xml")])
        case ["amend", *reports] if reports:
            return amend(reports)
        case ["check", *reports] if reports:
            return check([report for report in reports if not report.endswith("*.xml")])
        case ["write"]:
            return write(only_check=False)
        case ["write", "--check"]:
            return write(only_check=True)
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
