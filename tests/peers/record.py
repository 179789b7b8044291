"""What a comparison has counted, as `docs/peers.json` keeps it, and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CONTENDERS = ("Workbox", "django-offlinesync")
ROWS = {
    "answers": "saved offline; then the site answers with an error, a sign-in page or nothing",
    "kills_before_send": "browser killed: saved, not yet sent",
    "kills_during_request": "browser killed: the request is on its way, and dies with it",
    "kills_before_answer": "browser killed: the site has it, its answer is on its way",
    "kills_after_answer": "browser killed: the answer has just come",
    "lost_answer": "the site has it, its answer is lost on the way",
    "senders": "four tabs save, and come back at once",
    "asking_senders": "the same, and each tab sends (Workbox: asks for `Queue.replayRequests()`)",
    "owners": "A saves, signs out, B signs in",
}
OUTCOMES = ("once", "lost", "twice", "waiting", "under another name")


def outcome(case: Mapping[str, Any]) -> str:
    """What became of one post."""
    authors = case["authors"]
    if any(author != case["saved_by"] for author in authors):
        return "under another name"
    if len(authors) > 1:
        return "twice"
    if authors:
        return "once"
    return "waiting" if case["on_the_device"] else "lost"


def counts(cases: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many posts had each outcome."""
    found = [outcome(case) for case in cases]
    return {name: found.count(name) for name in OUTCOMES}


def cell(counted: Mapping[str, int]) -> str:
    """The counts in words, without the zeros."""
    said = {
        "once": "arrived once",
        "lost": "**lost**",
        "twice": "arrived **twice or more**",
        "waiting": "still on the device",
        "under another name": "arrived **under another name**",
    }
    return ", ".join(f"{number} {said[name]}" for name, number in counted.items() if number)


def table(record: Mapping[str, Any]) -> str:
    """The comparison as a Markdown table."""
    versions = record["versions"]
    workbox, ours = CONTENDERS
    head = f"| what goes wrong | posts | {workbox} {versions['workbox']} | {ours} {versions['django-offlinesync']} |"
    lines = [head, "| --- | ---: | --- | --- |"]
    for name, described in ROWS.items():
        if name not in record["counts"]:
            continue
        counted = record["counts"][name]
        posts = sum(counted[workbox].values())
        lines.append(f"| {described} | {posts} | {cell(counted[workbox])} | {cell(counted[ours])} |")
    return "\n".join([*lines, "", *losses(record)]) + "\n"


def losses(record: Mapping[str, Any]) -> list[str]:
    """After which answers each of the two lost the post, a line for each."""
    found = []
    for name in CONTENDERS:
        cases = record["cases"]["answers"][name]
        lost = [f"`{case['answer']}`" for case in cases if outcome(case) == "lost"]
        found.append(f"* {name} lost the post after {len(lost)} of {len(cases)} answers" + listed(lost))
    return found


def listed(names: Sequence[str]) -> str:
    """The names after a colon, or just the end of the sentence."""
    return f": {', '.join(names)}." if names else "."
