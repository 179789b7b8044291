"""Exactly once: submissions in, receipts out. Knows no HTTP.

A submission's ledger row and what its handler does are one transaction (rows C1, C2). A batch is
tried in one transaction for all, and when anything goes wrong there, one by one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from copy import copy, deepcopy
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, connections, router, transaction
from django.db.models import QuerySet
from django.dispatch import Signal
from django.utils import timezone

from . import registry, signals
from .models import Submission
from .pagecontext import as_on_the_page
from .redaction import redacted
from .references import named_ids
from .refusals import Refused, bad_data, deferred, incomplete, refusal_without_database
from .retries import Patience, is_bad_data, is_contention, is_lost, recover
from .running import Run, as_json, fetched_anew, own_copy
from .submissions import IncomingSubmission, Receipt, owner_of

logger = logging.getLogger("offlinesync")

# Beyond these some database cannot hold a date: MariaDB begins with the year 1000, and at the far
# end a time zone's offset may lead out of what Python knows.
FIRST_YEAR, LAST_YEAR = 1000, 9998
MAX_KEY_LENGTH = Submission._meta.get_field("key").max_length


def ingest(submissions: Sequence[IncomingSubmission], *, user: AbstractBaseUser | AnonymousUser) -> list[Receipt]:
    """Bring in what one owner has sent; a receipt for each, in the same order.

    A receipt says ``accepted`` only of what is committed, so this cannot run inside a transaction.
    If the database is away, the error of the database is raised, and nothing is known.
    """
    batch = Batch(submissions, user)
    batch.settle_those_without_digest()
    batch.settle_those_in_ledger()
    batch.settle_those_incomplete()
    batch.settle_those_refused()
    if batch.may_go_together() and not batch.settle_together():
        batch.settle_those_in_ledger()
    batch.settle_one_by_one()
    batch.announce_rejections()
    return [batch.receipts[submission.id] for submission in submissions]


class Taken(Exception):
    """The ledger holds the id already, or somebody is about to put it there."""


class Batch:
    """The submissions of one request, and the receipts found so far."""

    def __init__(self, submissions: Sequence[IncomingSubmission], user: AbstractBaseUser | AnonymousUser) -> None:
        self.submissions = submissions
        self.receipts: dict[object, Receipt] = {}
        self._submission_by_id = {submission.id: submission for submission in submissions}
        # The key and the moment of every row that this request has inserted, rolled back or not.
        self._inserted: set[tuple[object, datetime]] = set()
        # Of the objects that this transaction has made, and that the ledger does not have yet.
        self._keys: dict[UUID, str] = {}
        self._user = user
        self._owner = owner_of(user)
        self._alias = router.db_for_write(Submission)
        self._connection = connections[self._alias]
        if len(self._submission_by_id) < len(submissions):
            raise ValueError("A batch holds an id twice: refuse it before it is ingested.")
        self._is_user_stale = False
        self._refuse_to_nest()

    def left(self) -> list[IncomingSubmission]:
        """Those without a receipt; members of a group after one not accepted get theirs here."""
        left = []
        broken_groups = set()
        for submission in self.submissions:
            receipt = self.receipts.get(submission.id)
            is_accepted = receipt is not None and receipt.status == "accepted"
            if submission.group in broken_groups and not is_accepted:
                receipt = self._settle(deferred(submission, "group"))
            if receipt is None:
                left.append(submission)
            elif submission.group is not None and receipt.status != "accepted":
                broken_groups.add(submission.group)
        return left

    def settle_those_without_digest(self) -> None:
        """Set aside those that the ledger cannot be asked for, without all their bytes."""
        self._settle_all(incomplete(submission) for submission in self.submissions if not submission.has_digest)

    def settle_those_incomplete(self) -> None:
        """Set aside those that are new, and have not come with all their bytes."""
        self._settle_all(
            incomplete(submission) for submission in self.submissions if submission.id not in self.receipts
        )

    def settle_those_in_ledger(self) -> None:
        """Answer the replays, whoever has brought them in."""
        unknown = [submission for submission in self.submissions if submission.id not in self.receipts]
        rows = self._ledger().filter(owner=self._owner, submission_id__in=[submission.id for submission in unknown])
        row_by_id = {row.submission_id: row for row in rows}
        self._settle_all(
            self._replay(submission, row_by_id[submission.id]) for submission in unknown if submission.id in row_by_id
        )

    def settle_those_refused(self) -> None:
        """Refuse what no database is needed for."""
        self._settle_all(
            refusal_without_database(submission)
            for submission in self.submissions
            if submission.id not in self.receipts
        )

    def may_go_together(self) -> bool:
        """Whether what is left is worth trying in one transaction, and harmless to undo."""
        left = self.left()
        # P3: what a handler has written to a storage no rollback takes back, so another one's
        # failure must not make it run again.
        return len(left) > 1 and not any(submission.files or runs_alone(submission) for submission in left)

    def settle_together(self) -> bool:
        """Bring in all that are left in one transaction; False if it had to be undone."""
        try:
            receipts = self._together(self.left())
        except Exception as error:
            # Whatever it was, one by one shows whose it is, and that is where it is logged.
            if logger.isEnabledFor(logging.DEBUG):
                told = redacted(error, *self.submissions)
                logger.debug("A batch could not be brought in together and goes one by one.", exc_info=told)
            self._is_user_stale = True
            self._keys.clear()
            recover(self._connection)
            return False
        self._settle_all(receipts)
        return True

    def settle_one_by_one(self) -> None:
        """Bring in what is left, each in its own transaction (row C6)."""
        patience = Patience()
        while left := self.left():
            self._settle(self._alone(left[0], patience))

    def announce_rejections(self) -> None:
        """Send the signals of what is refused: not before, because it may turn out to have to wait for its group."""
        for receipt in [self.receipts[submission.id] for submission in self.submissions]:
            if receipt.status in ("rejected", "conflict"):
                code = receipt.code or receipt.status
                self._announce(receipt, signals.submission_rejected, code=code, errors=receipt.errors)

    def _together(self, submissions: Sequence[IncomingSubmission]) -> list[Receipt]:
        receipts = []
        # Sorted: two batches that share ids wait for each other in one direction only.
        rows = {item.id: self._row(item) for item in sorted(submissions, key=lambda item: item.id)}
        with transaction.atomic(using=self._alias, durable=True):
            self._insert(list(rows.values()))
            broken_groups = set()
            for submission in submissions:
                if submission.group in broken_groups:
                    receipt = deferred(submission, "group")
                else:
                    receipt = self._run_among_others(submission, rows[submission.id])
                if receipt.status != "accepted" and submission.group is not None:
                    broken_groups.add(submission.group)
                receipts.append(receipt)
            accepted = [rows[receipt.id] for receipt in receipts if receipt.status == "accepted"]
            others = [rows[receipt.id].pk for receipt in receipts if receipt.status != "accepted"]
            if self._ledger().bulk_update(accepted, ["result", "key"]) < len(accepted):
                # P3: a deadlock undoes the whole transaction on MariaDB, ledger rows included, and a
                # handler that hides it goes on in another one.
                raise RuntimeError("A handler has ended the transaction that holds the ledger's rows.")
            if others:
                self._ledger().filter(pk__in=others).delete()
        return receipts

    def _insert(self, rows: Sequence[Submission]) -> None:
        self._ledger().bulk_create(rows)
        if rows[0].pk is None:
            # A database without INSERT … RETURNING.
            found = self._ledger().filter(owner=self._owner, submission_id__in=[row.submission_id for row in rows])
            key_by_id = dict(found.values_list("submission_id", "pk"))
            for row in rows:
                row.pk = key_by_id[row.submission_id]
        self._inserted.update((row.pk, row.received_at) for row in rows)

    def _run_among_others(self, submission: IncomingSubmission, row: Submission) -> Receipt:
        run = self._run(submission)
        try:
            run.validate()
        except Refused as refused:
            return refused.receipt(submission)
        keep_result(row, run.save())
        self._keys[submission.id] = row.key
        self._is_user_stale = False
        return Receipt(submission.id, "accepted", result=row.result, replayed=False)

    def _alone(self, submission: IncomingSubmission, patience: Patience) -> Receipt:
        """Bring in one submission, again and again where that can help."""
        may_collide = True
        for attempt in count(1):
            if patience.has_ended:
                return deferred(submission, "busy")
            session = self._connection.connection
            try:
                return self._attempt(submission)
            except Refused as refused:
                return refused.receipt(submission)
            except Exception as error:  # noqa: BLE001
                failure = error
            worth_waiting = isinstance(failure, Taken) or is_contention(failure) or is_lost(self._connection, session)
            # A commit may have arrived although its answer did not, and a twin may have been faster.
            receipt = self._look_up(submission)
            if receipt is not None:
                return receipt
            if worth_waiting:
                if not patience.pause(attempt):
                    log_failure(submission, failure)
                    return deferred(submission, "busy")
            elif is_bad_data(failure):
                return self._rejected_as_bad_data(submission)
            elif isinstance(failure, IntegrityError) and may_collide:
                # Somebody else's row has come between validating and saving. Now validation sees
                # it, and can name the field.
                may_collide = False
            else:
                log_failure(submission, failure)
                return deferred(submission, "handler_error")
        raise AssertionError("unreachable")

    def _attempt(self, submission: IncomingSubmission) -> Receipt:
        row = self._row(submission)
        with transaction.atomic(using=self._alias, durable=True):
            try:
                with transaction.atomic(using=self._alias):
                    row.save(using=self._alias, force_insert=True)
            except IntegrityError as error:
                raise Taken from error
            self._inserted.add((row.pk, row.received_at))
            run = self._run(submission)
            run.validate()
            keep_result(row, run.save())
            row.save(using=self._alias, update_fields=["result", "key"])
        self._is_user_stale = False
        return Receipt(submission.id, "accepted", result=row.result, replayed=False)

    def _run(self, submission: IncomingSubmission) -> Run:
        """A run for the user as the database has it."""
        user = self._current_user()
        # Until the run is known to stay.
        self._is_user_stale = True
        return Run(submission, user, self._connection, keys=self._keys_for(submission))

    def _keys_for(self, submission: IncomingSubmission) -> dict[UUID, str]:
        """The keys of the objects that the submission's references stand for, as far as they are known."""
        named = named_ids(submission)
        if not named:
            return {}
        rows = self._ledger().filter(owner=self._owner, submission_id__in=named).exclude(key="")
        keys = dict(rows.values_list("submission_id", "key"))
        return {**keys, **{entry_id: self._keys[entry_id] for entry_id in named if self._keys.get(entry_id)}}

    def _current_user(self) -> AbstractBaseUser | AnonymousUser:
        # P3: what a handler that was refused or undone has left on the user, the next one would save.
        if self._is_user_stale:
            self._user = fetched_anew(self._user)
            self._is_user_stale = False
        return self._user

    def _look_up(self, submission: IncomingSubmission) -> Receipt | None:
        recover(self._connection)
        row = self._ledger().filter(owner=self._owner, submission_id=submission.id).first()
        return None if row is None else self._replay(submission, row)

    def _replay(self, submission: IncomingSubmission, row: Submission) -> Receipt:
        # A pruned row has no result any more.
        result = None if row.result is None else as_json(row.result)
        if row.digest == submission.digest:
            # Row B8: a commit that has arrived, and whose answer was lost on the way here, is no replay.
            is_own = (row.pk, row.received_at) in self._inserted
            return Receipt(submission.id, "accepted", result=result, replayed=not is_own)
        # Row D9: anonymous visitors share one owner, so one must not learn of another's.
        return Receipt(submission.id, "rejected", code="id_reuse", result=result if self._owner else None)

    def _rejected_as_bad_data(self, submission: IncomingSubmission) -> Receipt:
        with as_on_the_page(submission):
            refused = bad_data()
        return refused.receipt(submission)

    def _row(self, submission: IncomingSubmission) -> Submission:
        return Submission(
            owner=self._owner,
            submission_id=submission.id,
            form=submission.form,
            digest=submission.digest,
            captured_at=storable_time(submission.captured_at),
            user_id=self._user.pk,
        )

    def _ledger(self) -> QuerySet[Submission]:
        return Submission.objects.using(self._alias)

    def _settle(self, receipt: Receipt) -> Receipt:
        self.receipts[receipt.id] = receipt
        if receipt.status == "accepted" and not receipt.replayed:
            # At once: what is committed stands, whatever becomes of the others.
            self._announce(receipt, signals.submission_accepted, result=receipt.result)
        return receipt

    def _announce(self, receipt: Receipt, signal: Signal, **said: Any) -> None:
        submission = self._submission_by_id[receipt.id]
        handler_class = registry.handler_class(submission.form)
        if signal.has_listeners(handler_class):
            told = own_copy(submission)
            # A copy: what a receiver does to the user, the next handler would save.
            told.user = copy(self._current_user())
            signals.send(signal, handler_class, told, **deepcopy(said))

    def _settle_all(self, receipts: Iterable[Receipt | None]) -> None:
        # A list first: what yields the receipts may look at those settled so far.
        for receipt in list(receipts):
            if receipt is not None:
                self._settle(receipt)

    def _refuse_to_nest(self) -> None:
        # P3. A durable block refuses by itself, but deep inside, where it would pass for a bug of
        # a handler.
        blocks = self._connection.atomic_blocks
        if blocks and not blocks[-1]._from_testcase:
            raise RuntimeError(
                "Submissions cannot be ingested inside a transaction: a receipt would be given before "
                "the commit. Take the view out of ATOMIC_REQUESTS, or the call out of atomic()."
            )


def runs_alone(submission: IncomingSubmission) -> bool:
    """Whether its handler wants a transaction of its own."""
    handler_class = registry.handler_class(submission.form)
    return handler_class is not None and handler_class.runs_alone


def keep_result(row: Submission, result: dict[str, Any]) -> None:
    """Write down what a handler has told, and the key in it, which later submissions may ask for when it is pruned."""
    key = result.get("key")
    text = "" if key is None else str(key)
    row.result = result
    row.key = text if len(text) <= MAX_KEY_LENGTH else ""


def storable_time(claim: datetime | None) -> datetime | None:
    """What a device claims about the time, if a database can hold it (row B14)."""
    if claim is None or claim.tzinfo is None or not FIRST_YEAR < claim.year < LAST_YEAR:
        return None
    return claim if settings.USE_TZ else timezone.make_naive(claim, UTC)


def log_failure(submission: IncomingSubmission, failure: Exception) -> None:
    """Tell the site's developers, without what a person has written (row C7)."""
    logger.error(
        "Submission %s of the form %r could not be saved. It waits on the device and is sent again.",
        submission.id,
        submission.form,
        exc_info=redacted(failure, submission),
    )
