"""Deliveries at once, each in a thread with a connection of its own."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

from django.db import connection, connections

from offlinesync.submissions import IncomingSubmission, Receipt

from .ingesting import send
from .sampleapp.factories import again

# A bound for the whole test, not an expectation: a wait that ends this way fails the test.
LONG = 60


def in_thread(pool: ThreadPoolExecutor, work: Callable[..., Any], *args: Any) -> Future:
    """Run in another thread, with a connection of its own that is closed at the end."""

    def run() -> Any:
        try:
            return work(*args)
        finally:
            connections.close_all()

    return pool.submit(run)


def send_until_settled(submissions: list[IncomingSubmission]) -> dict[object, Receipt]:
    """Send as a device does: what is deferred is sent again."""
    settled: dict[object, Receipt] = {}
    while left := [submission for submission in submissions if submission.id not in settled]:
        receipts = send(*map(again, left))
        settled.update({receipt.id: receipt for receipt in receipts if receipt.status != "deferred"})
    return settled


@contextmanager
def tells_when_writing(event: Event) -> Iterator[list[str]]:
    """Set the event just before this thread's connection begins to write; lists what it inserts."""
    inserts = []

    def watch(execute: Callable, sql: str, params: Any, many: bool, context: dict) -> Any:
        if sql.startswith(("BEGIN", "SAVEPOINT", "INSERT")):
            event.set()
        if sql.startswith("INSERT"):
            inserts.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield inserts


def shuffled(submissions: list[IncomingSubmission], seed: int) -> list[IncomingSubmission]:
    return random.Random(seed).sample(submissions, len(submissions))
