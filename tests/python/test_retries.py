"""What is tried again. The databases' real errors are provoked in test_locks."""

from typing import Any

import pytest
from django.db import DatabaseError, DataError, IntegrityError, OperationalError, connection

from offlinesync import retries
from offlinesync.retries import Patience, is_bad_data, is_contention, recover


def error_of(kind: type[Exception], *args: Any, **cause: Any) -> Exception:
    error = kind(*args)
    error.__cause__ = Exception()
    for name, value in cause.items():
        setattr(error.__cause__, name, value)
    return error


@pytest.mark.parametrize(
    "error",
    [
        error_of(OperationalError, "serialization failure", sqlstate="40001"),
        error_of(OperationalError, "deadlock", sqlstate="40P01"),
        error_of(OperationalError, "lock timeout", sqlstate="55P03"),
        error_of(OperationalError, "psycopg2", pgcode="40P01"),
        error_of(OperationalError, 1213, "Deadlock found"),
        error_of(OperationalError, 1205, "Lock wait timeout exceeded"),
        error_of(OperationalError, 1020, "Record has changed since last read"),
        error_of(OperationalError, "database is locked", sqlite_errorcode=5),
        error_of(OperationalError, "busy snapshot", sqlite_errorcode=517),
        error_of(OperationalError, "database table is locked", sqlite_errorcode=6),
    ],
)
def test_contention(error: Exception) -> None:
    assert is_contention(error)
    assert not is_bad_data(error)


@pytest.mark.parametrize(
    "error",
    [
        OperationalError(),
        error_of(OperationalError, "no such table", sqlite_errorcode=1),
        error_of(OperationalError, "disk full", sqlstate="53100"),
        error_of(OperationalError, 1054, "Unknown column"),
        error_of(IntegrityError, 1062, "Duplicate entry"),
        error_of(IntegrityError, "duplicate key", sqlstate="23505"),
        error_of(RuntimeError, 1213),
        KeyError(1205),
    ],
)
def test_neither_contention_nor_bad_data(error: Exception) -> None:
    assert not is_contention(error)
    assert not is_bad_data(error)


@pytest.mark.parametrize(
    "error",
    [
        DataError("value too long"),
        error_of(OperationalError, 1366, "Incorrect string value"),
        error_of(DatabaseError, 1264, "Out of range"),
    ],
)
def test_bad_data(error: Exception) -> None:
    assert is_bad_data(error)
    assert not is_contention(error)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long a patience would have slept."""
    slept: list[float] = []
    monkeypatch.setattr(retries.time, "sleep", slept.append)
    return slept


def test_pauses_grow_and_have_jitter_and_end(pauses: list[float]) -> None:
    for _ in range(50):
        assert [Patience().pause(attempt) for attempt in (1, 2, 3, 4, 5)] == [True, True, True, True, False]
    by_attempt = [pauses[attempt::4] for attempt in range(4)]
    assert all(len(set(values)) > 1 for values in by_attempt)
    limits = [retries.FIRST_PAUSE_SECONDS * 2**attempt for attempt in (1, 2, 3, 4)]
    assert all(max(values) <= limit for values, limit in zip(by_attempt, limits, strict=True))


def test_the_patience_of_a_request_ends_for_good(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "PATIENCE_SECONDS", 0)
    patience = Patience()
    assert not patience.has_ended
    assert not patience.pause(1)
    assert patience.has_ended
    assert pauses == []


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> object:
    """A session that Django would close at the end of the request, as by default."""
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    connection.ensure_connection()
    return connection.connection


def test_p9_a_session_that_works_is_kept_with_what_a_middleware_has_set_on_it(session: object) -> None:
    """A role or a tenant that row-level security goes by."""
    recover(connection)
    assert connection.connection is session


def test_a_session_that_does_not_work_is_replaced(session: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "is_usable", lambda: False)
    recover(connection)
    connection.ensure_connection()
    assert connection.connection is not session


def test_p3_a_session_that_would_not_commit_is_replaced(session: object) -> None:
    """The end of a transaction has failed half way."""
    connection.set_autocommit(False)
    recover(connection)
    connection.ensure_connection()
    assert connection.connection is not session
    assert connection.get_autocommit()


def test_where_there_is_no_session_nothing_is_recovered(session: object) -> None:
    connection.close()
    recover(connection)
    assert connection.connection is None
