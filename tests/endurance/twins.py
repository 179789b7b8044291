"""A round of twins: many devices send the same submissions at once to server processes that are killed meanwhile.

Every number that ``FAULTS`` names has to be 0 (rows B8, C1, C2 and C4, promise P3). The seed decides on everything but
who is faster.
"""

import atexit
import os
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Barrier, Event
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import psycopg
import pymysql

from tests.python import servers
from tests.python.servers import Device, Servers, note, only_what_counts

FAULTS = ("lost", "twice", "differing_receipts", "wrongly_answered", "row_without_effect", "effect_without_row")
DEVICES = (2, 8, 32, 64)


def round_(seed: int) -> Counter:
    """Send, kill, and count what has become of it."""
    chance = random.Random(seed)
    plan = Plan(chance, mark=f"{seed}-{uuid4().hex[:8]}")
    site = parent_of_servers()
    try:
        site.start(plan.processes)
        devices = [Device(site.port) for _ in plan.shares]
        answers, kills = storm(site, plan, devices)
    finally:
        site.kill_all()
    ledger, notes = site.rows(ids=[item["id"] for item in plan.submissions], prefix=plan.mark)
    counts = audit(plan, answers, ledger, notes)
    counts["requests"] = sum(device.requests for device in devices)
    counts["kills"] = kills
    return counts


class Plan:
    """What one round does."""

    def __init__(self, chance: random.Random, mark: str) -> None:
        self.mark = mark
        self.processes = chance.randint(2, 3)
        self.submissions = [self._submission(chance, number) for number in range(chance.randint(20, 80))]
        self.kills = chance.randint(0, 4)
        # Overlapping shares, most submissions in most of them, each device in an order of its own.
        self.shares = [
            (chance.sample(self.submissions, chance.randint(len(self.submissions) // 2, len(self.submissions))), seed)
            for seed in chance.sample(range(10**9), chance.choice(DEVICES))
        ]
        # Few devices send all again, and again.
        self.passes = max(1, min(6, DEVICES[-1] // len(self.shares)))
        self.sizes = (1, chance.choice([1, 4, 12]))

    def _submission(self, chance: random.Random, number: int) -> dict[str, Any]:
        # What is refused while saving makes its whole batch go one by one.
        behaviour = chance.choices(["", "save: refuse", "validate: refuse"], weights=[20, 1, 1])[0]
        return note(f"{self.mark} {number}", slug=f"{self.mark}-{number}", behaviour=behaviour)


def storm(site: Servers, plan: Plan, devices: list[Device]) -> tuple[list[dict[str, list[dict]]], int]:
    """All devices at once, and a process killed whenever so many requests have been sent."""
    together = Barrier(len(devices))
    over = Event()

    def send(device: Device, share: list[dict], seed: int) -> dict[str, list[dict]]:
        together.wait(servers.ANSWER_SECONDS)
        chance = random.Random(seed)
        receipts: dict[str, list[dict]] = {item["id"]: [] for item in share}
        try:
            for _ in range(plan.passes):
                for key, found in device.settle(share, chance, plan.sizes).items():
                    receipts[key] += found
        finally:
            device.close()
        return receipts

    def kill() -> int:
        chance, done = random.Random(plan.mark), 0
        # About as many as there will be: a kill that comes too late is none.
        expected = plan.passes * sum(len(share) for share, _ in plan.shares) / (sum(plan.sizes) / 2)
        for threshold in sorted(chance.uniform(0, expected) for _ in range(plan.kills)):
            while sum(device.requests for device in devices) < threshold:
                if over.wait(0.002):
                    return done
            site.kill(chance.choice(site.workers))
            site.start()
            done += 1
        return done

    with ThreadPoolExecutor(len(devices) + 1) as pool:
        killer = pool.submit(kill)
        try:
            futures = [pool.submit(send, device, *share) for device, share in zip(devices, plan.shares, strict=True)]
            return [future.result() for future in futures], wait_for(killer, over)
        finally:
            over.set()


def wait_for(killer: Any, over: Event) -> int:
    over.set()
    return killer.result()


def audit(plan: Plan, answers: list[dict[str, list[dict]]], ledger: Counter, notes: Counter) -> Counter:
    """Compare what was answered with what the database holds."""
    counts = Counter(dict.fromkeys(FAULTS, 0), submissions=len(plan.submissions))
    for item in plan.submissions:
        (_, title), _, (_, behaviour) = item["fields"]
        receipts = [receipt for answer in answers for receipt in answer.get(item["id"], [])]
        rows, effects = ledger[item["id"]], notes[title]
        accepted = any(receipt["status"] == "accepted" for receipt in receipts)
        counts["receipts"] += len(receipts)
        counts["lost"] += accepted and not (rows and effects)
        counts["twice"] += rows > 1 or effects > 1
        counts["row_without_effect"] += rows > effects
        counts["effect_without_row"] += effects > rows
        counts["differing_receipts"] += any(
            only_what_counts(receipt) != only_what_counts(receipts[0]) for receipt in receipts
        )
        # The one that was not replayed may have died on its way.
        counts["wrongly_answered"] += sum(receipt.get("replayed") is False for receipt in receipts) > 1 or any(
            receipt["status"] != ("rejected" if behaviour else "accepted") for receipt in receipts
        )
    return counts


@lru_cache(maxsize=1)
def parent_of_servers() -> Servers:
    """It is started once, with a database that has all tables; both are gone with this process."""
    stack = ExitStack()
    atexit.register(stack.close)
    url = stack.enter_context(own_database(os.environ.get("DATABASE_URL", "")))
    site = stack.enter_context(servers.running(url))
    site.migrate()
    return site


def database() -> str:
    """The kind of database that the servers work on."""
    return urlsplit(os.environ.get("DATABASE_URL", "")).scheme or "sqlite"


@contextmanager
def own_database(server: str) -> Iterator[str]:
    """A database of our own on the server that the URL names, or a file."""
    parts = urlsplit(server)
    name = f"offlinesync_twins_{os.getpid()}"
    if parts.scheme not in ("postgres", "mysql"):
        with tempfile.TemporaryDirectory(prefix="offlinesync-twins-") as folder:
            yield f"sqlite:///{quote(str(Path(folder) / 'db.sqlite3'))}"
        return
    execute(parts, f"CREATE DATABASE {name}")
    try:
        yield parts._replace(path=f"/{name}").geturl()
    finally:
        execute(parts, f"DROP DATABASE {name}")


def execute(parts: Any, statement: str) -> None:
    account = {"host": parts.hostname, "user": parts.username, "password": parts.password or ""}
    if parts.scheme == "postgres":
        with psycopg.connect(dbname="postgres", port=parts.port or 5432, autocommit=True, **account) as connection:
            connection.execute(statement)
    else:
        with pymysql.connect(port=parts.port or 3306, **account) as connection:
            connection.cursor().execute(statement)
