"""Twins: the same submissions, sent at once over real connections (rows C1, C2 and C4)."""

import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Barrier, Event
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from offlinesync import retries
from offlinesync.ingestion import ingest
from offlinesync.models import Submission
from offlinesync.submissions import IncomingSubmission, Receipt

from .sampleapp import offline
from .sampleapp.factories import again, note
from .sampleapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)

ANONYMOUS = AnonymousUser()
# A bound for the whole test, not an expectation: a wait that ends this way fails the test.
LONG = 60

needs_row_locks = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has one writer at a time, so two can never deadlock"
)
needs_server = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has no server that could end a session"
)


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


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    offline.runs.clear()


@pytest.fixture
def behaviours(monkeypatch: pytest.MonkeyPatch) -> dict:
    """Behaviours that a test may add to."""
    monkeypatch.setattr(offline, "BEHAVIOURS", dict(offline.BEHAVIOURS))
    return offline.BEHAVIOURS


def in_thread(pool: ThreadPoolExecutor, work: Callable[..., Any], *args: Any) -> Future:
    """Run in another thread, with a connection of its own that is closed at the end."""

    def run() -> Any:
        try:
            return work(*args)
        finally:
            connections.close_all()

    return pool.submit(run)


def send(*submissions: IncomingSubmission, user: User | AnonymousUser = ANONYMOUS) -> list[Receipt]:
    return ingest(submissions, user=user)


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


# Locks and deadlocks


@contextmanager
def impatient() -> Iterator[None]:
    """Let this connection wait for a lock as shortly as its database can."""
    statement = {
        "sqlite": "PRAGMA busy_timeout = 1",
        "postgresql": "SET lock_timeout = '1ms'",
        "mysql": "SET innodb_lock_wait_timeout = 1",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(statement)
    yield
    connection.close()


@contextmanager
def everything_locked(batch: list[IncomingSubmission]) -> Iterator[None]:
    """Hold, in another thread, the locks that the batch needs."""
    held, release = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            for submission in batch:
                Submission.objects.create(submission_id=submission.id, form="x", digest="1:")
            held.set()
            assert release.wait(LONG)
            transaction.set_rollback(True)

    with ThreadPoolExecutor(1) as pool:
        holder = in_thread(pool, hold)
        assert held.wait(LONG)
        try:
            yield
        finally:
            release.set()
            holder.result(LONG)


@pytest.mark.parametrize("size", [1, 2])
def test_a_lock_that_does_not_go_away_defers_and_loses_nothing(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(retries, "MOST_ATTEMPTS", 2)
    monkeypatch.setattr(retries, "FIRST_PAUSE_SECONDS", 0)
    batch = [note(f"{n}") for n in range(size)]
    with impatient(), everything_locked(batch):
        receipts = send(*batch)
    assert [(receipt.status, receipt.code) for receipt in receipts] == [("deferred", "busy")] * size
    assert not offline.runs
    assert [receipt.status for receipt in send(*map(again, batch))] == ["accepted"] * size


@needs_row_locks
def test_two_handlers_that_deadlock_are_both_accepted_in_the_end(behaviours: dict) -> None:
    rows = [Note.objects.create(title=f"row {n}") for n in range(2)]
    both_hold_one = Barrier(2)
    first_time = [True, True]

    def lock(own: int) -> None:
        Note.objects.filter(pk=rows[own].pk).update(body=f"by {own}")
        if first_time[own]:
            first_time[own] = False
            both_hold_one.wait(LONG)
        Note.objects.filter(pk=rows[1 - own].pk).update(body=f"by {own}")

    behaviours.update({"lock 0": lambda: lock(0), "lock 1": lambda: lock(1)})
    with ThreadPoolExecutor(2) as pool:
        futures = [in_thread(pool, send, note(f"{n}", behaviour=f"save: lock {n}")) for n in range(2)]
        receipts = [future.result(LONG)[0] for future in futures]
    assert [receipt.status for receipt in receipts] == ["accepted"] * 2
    assert sorted(offline.runs) in (["0", "0", "1"], ["0", "1", "1"])
    assert len(set(Note.objects.filter(title__startswith="row").values_list("body", flat=True))) == 1


@needs_row_locks
def test_p3_a_deadlock_that_a_handler_hides_loses_nothing(behaviours: dict) -> None:
    """MariaDB has undone the whole transaction by then, ledger rows included, and begins another one."""
    rows = [Note.objects.create(title=f"row {n}") for n in range(2)]
    other_has_its_row, handler_has_its_row = Event(), Event()

    def update(row: Note) -> None:
        # A statement that does not mark the atomic block as broken.
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {Note._meta.db_table} SET body = 'x' WHERE id = %s", [row.pk])

    def hide_the_deadlock() -> None:
        if not handler_has_its_row.is_set():
            update(rows[0])
            handler_has_its_row.set()
            with suppress(OperationalError):
                update(rows[1])

    def other() -> None:
        # On PostgreSQL either of the two may be the one to give way.
        with suppress(OperationalError), transaction.atomic():
            # MariaDB lets the transaction give way that has written less.
            Note.objects.bulk_create(Note(title="weight") for _ in range(200))
            update(rows[1])
            other_has_its_row.set()
            assert handler_has_its_row.wait(LONG)
            update(rows[0])
            transaction.set_rollback(True)

    behaviours["hide"] = hide_the_deadlock
    batch = [note("a"), note("b", behaviour="save: hide"), note("c")]
    with ThreadPoolExecutor(1) as pool:
        holder = in_thread(pool, other)
        assert other_has_its_row.wait(LONG)
        receipts = send(*batch)
        holder.result(LONG)
    assert [receipt.status for receipt in receipts] == ["accepted"] * 3
    assert list(Note.objects.exclude(title__startswith="row").values_list("title", flat=True)) == ["a", "b", "c"]
    assert Submission.objects.count() == 3


@needs_row_locks
def test_the_ledger_row_does_not_lock_the_user_it_names(behaviours: dict, django_user_model: type[User]) -> None:
    """Two deliveries of one person, whose handlers both count on the row of that person."""
    user = django_user_model.objects.create(username="u", first_name="0")
    both_inserted = Barrier(2)

    def count() -> None:
        both_inserted.wait(LONG)
        django_user_model.objects.filter(pk=user.pk).update(last_name="changed")

    behaviours["count"] = count
    with ThreadPoolExecutor(2) as pool:
        futures = [
            in_thread(pool, lambda n=n: send(note(f"{n}", behaviour="save: count"), user=user)) for n in range(2)
        ]
        assert [future.result(LONG)[0].status for future in futures] == ["accepted"] * 2
    assert sorted(offline.runs) == ["0", "1"]


def test_a_connection_that_dies_under_a_handler_is_replaced(behaviours: dict) -> None:
    def cut() -> None:
        behaviours["cut"] = lambda: None
        connection.close()

    behaviours["cut"] = cut
    assert [receipt.status for receipt in send(note("a", behaviour="save: cut"))] == ["accepted"]
    behaviours["cut"] = cut
    receipts = send(note("b", behaviour="save: cut"), note("c"))
    assert [receipt.status for receipt in receipts] == ["accepted"] * 2
    assert Submission.objects.count() == Note.objects.count() == 3


@needs_server
@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("statement", range(1, 6))
def test_a_session_that_the_database_ends_is_replaced(statement: int, size: int) -> None:
    """Between any two of the first statements, those that begin a transaction included."""
    left = iter(range(statement))

    def end_session(execute: Callable, *args: Any) -> Any:
        answer = execute(*args)
        if next(left, None) == statement - 1:
            with ThreadPoolExecutor(1) as pool:
                in_thread(pool, end, session).result(LONG)
        return answer

    def end(session: int) -> None:
        with connection.cursor() as cursor:
            if connection.vendor == "mysql":
                cursor.execute(f"KILL {session}")
            else:
                cursor.execute(f"SELECT pg_terminate_backend({session}, {LONG * 1000})")

    with connection.cursor() as cursor:
        cursor.execute("SELECT CONNECTION_ID()" if connection.vendor == "mysql" else "SELECT pg_backend_pid()")
        (session,) = cursor.fetchone()
    with connection.execute_wrapper(end_session):
        receipts = send(*[note(f"{n}") for n in range(size)])
    assert next(left, None) is None
    assert [receipt.status for receipt in receipts] == ["accepted"] * size
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
