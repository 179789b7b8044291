"""One run of a handler, inside the transaction of its ledger row."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy, deepcopy
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.serializers.json import DjangoJSONEncoder
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from .handlers import Handler
from .pagecontext import as_on_the_page
from .redaction import redacted
from .references import resolve
from .refusals import Refused, refusal_by
from .registry import get as get_handler
from .submissions import IncomingSubmission

logger = logging.getLogger("offlinesync")


class Run:
    """A handler's two steps. Each raises ``Refused`` when it says no."""

    def __init__(
        self,
        submission: IncomingSubmission,
        user: AbstractBaseUser | AnonymousUser,
        connection: BaseDatabaseWrapper,
        *,
        keys: Mapping[UUID, str],
    ) -> None:
        self.submission = own_copy(submission)
        resolve(self.submission, keys)
        # P4: whoever filled it in, permission is asked for the one owner of the batch.
        self.submission.user = user
        self._connection = connection
        self._handler = get_handler(submission.form)
        self._validated: Any = None

    def validate(self) -> None:
        """Ask for permission and validate."""
        first = len(self._connection.run_on_commit)
        try:
            with self._in_place():
                self._validated = self._validate(self._handler)
        except Refused:
            # The others' transaction is committed all the same, and must not run them.
            del self._connection.run_on_commit[first:]
            raise

    def save(self) -> dict[str, Any]:
        """Save, and say what the receipt tells the device."""
        with self._in_place():
            saved = self._handler.save(self._validated, self.submission)
            return as_json(self._handler.get_result(saved, self.submission))

    def _validate(self, handler: Handler) -> Any:
        if not handler.has_permission(self.submission):
            raise Refused("forbidden")
        return handler.validate(self.submission)

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        first = len(self._connection.run_on_commit)
        with as_on_the_page(self.submission):
            try:
                yield
            except Exception as error:
                refusal = refusal_by(error)
                if refusal is None:
                    raise
                raise refusal from error
        guard_hooks(self._connection, first, self.submission)


def own_copy(submission: IncomingSubmission) -> IncomingSubmission:
    """A submission that a handler may change without changing what a second run gets (row C2)."""
    own = copy(submission)
    own.fields = list(submission.fields)
    own.files = list(submission.files)
    own.data = deepcopy(submission.data)
    return own


def fetched_anew(user: AbstractBaseUser | AnonymousUser) -> AbstractBaseUser | AnonymousUser:
    """The user as the database has it now; the same one when there is none."""
    if not isinstance(user, Model):
        return user
    users = user._meta.model._base_manager.using(user._state.db)
    return users.filter(pk=user.pk).first() or user


def guard_hooks(connection: BaseDatabaseWrapper, first: int, submission: IncomingSubmission) -> None:
    """Keep an exception of the hooks from this one on to themselves (row C9).

    Django runs the hooks of a transaction in a row and stops at the first that raises, which here
    would take away those of other submissions.
    """
    connection.run_on_commit[first:] = [
        (savepoints, _guarded(hook, submission), robust)
        for savepoints, hook, robust in connection.run_on_commit[first:]
    ]


def as_json(result: Any) -> dict[str, Any]:
    """The result as plain JSON with sorted keys.

    So the first receipt is the very same as every later one (row C4): PostgreSQL gives the keys
    back in an order of its own.
    """
    if not isinstance(result, dict):
        raise TypeError(f"A handler's get_result() must return a dict, not {type(result).__name__}.")
    return json.loads(json.dumps(result, cls=DjangoJSONEncoder, allow_nan=False, sort_keys=True))


def _guarded(hook: Callable[[], Any], submission: IncomingSubmission) -> Callable[[], None]:
    def guarded() -> None:
        try:
            with as_on_the_page(submission):
                hook()
        except Exception as error:
            logger.error(
                "Submission %s of the form %r is saved, but an on_commit hook of its handler failed and "
                "is not run again. What it was to do has to be done by hand.",
                submission.id,
                submission.form,
                exc_info=redacted(error, submission),
            )

    return guarded
