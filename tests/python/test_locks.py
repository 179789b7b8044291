"""Locks, deadlocks and lost sessions, as the databases themselves bring them about."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Barrier, Event
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, transaction

from offlinesync import retries
from offlinesync.models import Submission
from offlinesync.submissions import IncomingSubmission

from .ingesting import send
from .racing import LONG, in_thread
from .sampleapp import offline
from .sampleapp.factories import again, note
from .sampleapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)

needs_row_locks = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has one writer at a time, so two can never deadlock"
)
needs_server = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has no server that could end a session"
)


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
