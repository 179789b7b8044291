"""Locks, deadlocks and lost connections: what to try again, and how long."""

from __future__ import annotations

import random
import time

from django.db import DatabaseError, DataError
from django.db.backends.base.base import BaseDatabaseWrapper

# Serialization failure, deadlock, lock not available.
POSTGRESQL_CONTENTION = {"40001", "40P01", "55P03"}
# Record changed since it was read, lock wait timeout, deadlock.
MYSQL_CONTENTION = {1020, 1205, 1213}
# Truncated, out of range, wrong value, wrong string, too long: mysqlclient calls some of them
# operational errors.
MYSQL_BAD_DATA = {1264, 1265, 1292, 1366, 1406}
SQLITE_BUSY, SQLITE_LOCKED = 5, 6

MOST_ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 0.05
PATIENCE_SECONDS = 10.0


class Patience:
    """How long one request may go on trying.

    The limit is one for the whole request: a database that is locked must not
    keep the device waiting once for each submission.
    """

    def __init__(self) -> None:
        self._deadline = time.monotonic() + PATIENCE_SECONDS
        self.has_ended = False

    def pause(self, attempt: int) -> bool:
        """Wait a moment after the given attempt, the first being 1; False: give up."""
        if time.monotonic() >= self._deadline:
            self.has_ended = True
        if self.has_ended or attempt >= MOST_ATTEMPTS:
            return False
        # Jitter: two that have met in a deadlock must not meet again.
        time.sleep(random.uniform(0, FIRST_PAUSE_SECONDS * 2**attempt))
        return True


def is_contention(error: Exception) -> bool:
    """Whether the database has only asked to be tried again."""
    if not isinstance(error, DatabaseError):
        return False
    return (
        _postgresql_state(error) in POSTGRESQL_CONTENTION
        or _mysql_code(error) in MYSQL_CONTENTION
        or _sqlite_code(error) in (SQLITE_BUSY, SQLITE_LOCKED)
    )


def is_lost(connection: BaseDatabaseWrapper, session: object) -> bool:
    """Whether the session that ``connection.connection`` was before the work has gone away.

    At the end of a transaction Django may have opened another one already.
    """
    now = connection.connection
    return now is None or now is not session or not connection.is_usable()


def recover(connection: BaseDatabaseWrapper) -> None:
    """Make sure that the next query does not meet a broken connection."""
    # Within a transaction, which can only be a test's, Django would not open another one. One that
    # works stays, however old: a middleware may have set a role or a tenant on it (row P9).
    if connection.in_atomic_block or connection.connection is None:
        return
    if not connection.is_usable() or connection.get_autocommit() != connection.settings_dict["AUTOCOMMIT"]:
        connection.close()


def is_bad_data(error: Exception) -> bool:
    """Whether the database says that it cannot hold a value, however often it is sent."""
    return isinstance(error, DataError) or (isinstance(error, DatabaseError) and _mysql_code(error) in MYSQL_BAD_DATA)


def _postgresql_state(error: DatabaseError) -> str | None:
    # psycopg calls it sqlstate, psycopg2 pgcode.
    cause = error.__cause__
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)


def _mysql_code(error: DatabaseError) -> int | None:
    code = error.args[0] if error.args else None
    return code if isinstance(code, int) else None


def _sqlite_code(error: DatabaseError) -> int | None:
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    # The lowest byte is the code, the others say more about it.
    return None if code is None else code & 0xFF
