"""Twins: the same submissions, sent at once over real connections (rows C1, C2 and C4)."""

import os
import signal
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from offlinesync.models import Submission
from offlinesync.submissions import IncomingSubmission, Receipt

from .ingesting import send
from .racing import LONG, in_thread, send_until_settled, shuffled, tells_when_writing
from .sampleapp import offline
from .sampleapp.factories import again, note
from .sampleapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


def isolation_levels() -> list[Any]:
    if connection.vendor == "postgresql":
        from django.db.backends.postgresql.psycopg_any import IsolationLevel

        return [IsolationLevel.READ_COMMITTED, IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE]
    if connection.vendor == "mysql":
        return ["read committed", "repeatable read", "serializable"]
    return [None]


@pytest.fixture(params=isolation_levels(), ids=str)
def _isolation_level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connections that the test opens in its threads have this isolation level."""
    if request.param is not None:
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "isolation_level", request.param)


# C1: how many rows there are


@pytest.mark.usefixtures("_isolation_level")
@pytest.mark.parametrize(("twins", "size"), [(2, 1), (12, 1), (8, 12)])
def test_c1_twins_make_one_row_and_p3_get_one_receipt(twins: int, size: int) -> None:
    batch = [note(f"{n}", slug=f"s{n}") for n in range(size)]
    start = Barrier(twins)

    def deliver(seed: int) -> dict[object, Receipt]:
        start.wait(LONG)
        return send_until_settled(shuffled(batch, seed))

    with ThreadPoolExecutor(twins) as pool:
        answers = [future.result(LONG) for future in [in_thread(pool, deliver, seed) for seed in range(twins)]]

    assert Submission.objects.count() == Note.objects.count() == size
    for submission in batch:
        receipts = [answer[submission.id] for answer in answers]
        assert {receipt.status for receipt in receipts} == {"accepted"}
        assert {str(receipt.result) for receipt in receipts} == {str(receipts[0].result)}
        assert Counter(receipt.replayed for receipt in receipts)[False] <= 1


def test_c1_overlapping_batches_each_get_all_their_receipts() -> None:
    notes = [note(f"{n}", slug=f"s{n}") for n in range(16)]
    batches = [notes[first : first + 8] for first in range(0, 9, 2)]
    start = Barrier(len(batches))

    def deliver(batch: list[IncomingSubmission]) -> dict[object, Receipt]:
        start.wait(LONG)
        return send_until_settled(batch)

    with ThreadPoolExecutor(len(batches)) as pool:
        for future in [in_thread(pool, deliver, batch) for batch in batches]:
            assert {receipt.status for receipt in future.result(LONG).values()} == {"accepted"}
    assert sorted(Note.objects.values_list("slug", flat=True)) == sorted(f"s{n}" for n in range(16))
    assert Submission.objects.count() == 16


def test_c1_c3_same_id_other_body_at_once_lets_one_in() -> None:
    first = note("first")
    second = note("second", id=first.id)
    start = Barrier(2)

    def deliver(submission: IncomingSubmission) -> dict[object, Receipt]:
        start.wait(LONG)
        return send_until_settled([submission])

    with ThreadPoolExecutor(2) as pool:
        futures = [in_thread(pool, deliver, submission) for submission in (first, second)]
        codes = [future.result(LONG)[first.id].code for future in futures]
    assert sorted(codes, key=str) == sorted([None, "id_reuse"], key=str)
    assert Note.objects.get().title == ("first" if codes[0] is None else "second")


# C4: what the loser of the race is told


def race(
    behaviours: dict, winner_then: Callable[[], None], size: int
) -> tuple[list[Receipt], list[Receipt], list[str]]:
    """Let a twin begin to write while the winner is inside its handler; then the winner goes on.

    Returns the receipts of both, and what the twin has tried to insert.
    """
    twin_inserts: list[str] = []
    twin_writes = Event()
    winner_is_inside = Event()

    def wait_for_the_twin() -> None:
        if not winner_is_inside.is_set():
            winner_is_inside.set()
            assert twin_writes.wait(LONG)
            winner_then()

    behaviours["wait"] = wait_for_the_twin
    batch = [note("a", slug="a", behaviour="save: wait"), *[note(f"{n}") for n in range(size - 1)]]

    def deliver_twin() -> list[Receipt]:
        assert winner_is_inside.wait(LONG)
        with tells_when_writing(twin_writes) as inserts:
            receipts = send(*map(again, batch))
        twin_inserts.extend(inserts)
        return receipts

    with ThreadPoolExecutor(2) as pool:
        winner, twin = in_thread(pool, send, *batch), in_thread(pool, deliver_twin)
        return winner.result(LONG), twin.result(LONG), twin_inserts


@pytest.mark.usefixtures("_isolation_level")
@pytest.mark.parametrize("size", [1, 3])
def test_c4_the_loser_of_the_race_gets_the_winners_receipt(behaviours: dict, size: int) -> None:
    first, second, _ = race(behaviours, lambda: None, size)
    assert [receipt.status for receipt in first + second] == ["accepted"] * 2 * size
    assert [receipt.replayed for receipt in first] == [False] * size
    assert [receipt.replayed for receipt in second] == [True] * size
    assert [receipt.result for receipt in first] == [receipt.result for receipt in second]
    assert Submission.objects.count() == Note.objects.count() == size


def test_c4_the_loser_reads_the_ledger_before_it_goes_one_by_one(behaviours: dict) -> None:
    """After the one statement that has failed there is nothing left to insert."""
    _, _, inserts = race(behaviours, lambda: None, 3)
    assert len(inserts) == 1


@pytest.mark.usefixtures("_isolation_level")
@pytest.mark.parametrize("size", [1, 3])
def test_c4_when_the_winner_fails_the_twin_brings_it_in(behaviours: dict, size: int) -> None:
    """The twin has waited for a row that then was rolled back."""
    first, second, _ = race(behaviours, offline.fail, size)
    assert {receipt.status for receipt in second} == {"accepted"}
    assert {receipt.status for receipt in first} <= {"accepted", "deferred"}
    for winner, twin in zip(first, second, strict=True):
        assert winner.status == "deferred" or winner.result == twin.result
    assert Submission.objects.count() == Note.objects.count() == size


# C2: the server is killed between any two statements


def kill_at(step: int) -> None:
    """From now on count statements and commits, and die at this one."""
    left = iter(range(step))

    def count() -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    def count_and_execute(execute: Callable, *args: Any) -> Any:
        count()
        return execute(*args)

    original = BaseDatabaseWrapper._commit

    def count_and_commit(self: BaseDatabaseWrapper) -> None:
        count()
        original(self)
        count()

    BaseDatabaseWrapper._commit = count_and_commit
    connection.execute_wrappers.append(count_and_execute)


def send_in_a_process_that_dies(batch: list[IncomingSubmission], step: int) -> bool:
    """Whether the process came to its end before it was to die."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            kill_at(step)
            send(*batch)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return not os.WIFSIGNALED(status)


@pytest.mark.parametrize("size", [1, 3])
def test_c2_killed_between_any_two_statements_row_and_effect_stay_together(size: int) -> None:
    steps = 0
    committed = []
    while True:
        batch = [note(f"{n}", slug=f"s{steps}-{n}") for n in range(size)]
        survived = send_in_a_process_that_dies(batch, steps)
        slugs = [f"s{steps}-{n}" for n in range(size)]
        rows = Submission.objects.filter(submission_id__in=[submission.id for submission in batch]).count()
        notes = Note.objects.filter(slug__in=slugs).count()
        assert rows == notes
        assert rows in (0, size)
        committed.append(rows == size)
        receipts = send(*map(again, batch))
        assert [receipt.status for receipt in receipts] == ["accepted"] * size
        assert Note.objects.filter(slug__in=slugs).count() == size
        if survived:
            break
        steps += 1
    # Killed before the commit, killed after it with the answer lost, and at last not killed at all.
    assert committed[0] is False
    assert committed[-2:] == [True, True]
    assert committed == sorted(committed)
