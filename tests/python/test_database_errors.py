"""Errors of the database in the middle of an ingestion, made up one by one; real ones are provoked in test_locks."""

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.utils.translation import get_language

from offlinesync import ingestion, refusals, retries
from offlinesync.models import Submission

from .ingesting import outcomes, send, titles
from .sampleapp import offline
from .sampleapp.factories import note
from .sampleapp.models import Note

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("size", [1, 2])
def test_what_the_database_cannot_hold_is_refused(size: int) -> None:
    receipts = send(note("bad", behaviour="save: overflow"), *[note("good")] * (size - 1))
    assert receipts[0].code == "invalid"
    assert "too long or too large" in receipts[0].errors["__all__"][0]["message"]
    assert titles() == ["good"] * (size - 1)


def test_c11_what_the_database_cannot_hold_is_said_in_the_language_of_the_page(
    settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    monkeypatch.setattr(refusals, "_", lambda text: f"{get_language()}: {text}")
    (receipt,) = send(note("bad", behaviour="save: overflow", language="de"))
    assert receipt.errors["__all__"][0]["message"].startswith("de: The site could not")


def test_an_unforeseen_collision_is_tried_once_more_and_then_put_off(caplog: pytest.LogCaptureFixture) -> None:
    Note.objects.create(title="rival", slug="taken")
    receipts = send(note("bad", behaviour="save: collide"))
    assert outcomes(receipts) == ["handler_error"]
    assert offline.runs == ["bad", "bad"]
    assert "IntegrityError" in caplog.text
    assert not Submission.objects.exists()


def test_after_a_collision_validation_names_the_field(behaviours: dict) -> None:
    def lose_the_race() -> None:
        behaviours["lose"] = offline.complain
        raise IntegrityError("somebody else was faster")

    behaviours["lose"] = lose_the_race
    (receipt,) = send(note("bad", behaviour="validate: lose"))
    assert (receipt.code, list(receipt.errors)) == ("invalid", ["body"])


def contention() -> OperationalError:
    error = OperationalError("deadlock detected")
    error.__cause__ = Exception()
    error.__cause__.sqlstate = "40P01"
    return error


@pytest.fixture
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries.time, "sleep", lambda seconds: None)


@pytest.mark.usefixtures("_no_pauses")
def test_a_taken_id_whose_row_is_gone_again_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin has been rolled back. No handler is to blame, however often it happens."""
    failures = [IntegrityError("duplicate key")] * 3
    original = Submission.save

    def lose_against_a_twin(self: Submission, **options: object) -> None:
        if options.get("force_insert") and failures:
            raise failures.pop()
        original(self, **options)

    monkeypatch.setattr(Submission, "save", lose_against_a_twin)
    assert outcomes(send(note("a"))) == ["accepted"]
    assert offline.runs == ["a"]


@pytest.mark.usefixtures("_no_pauses")
def test_a_deadlock_is_tried_again(behaviours: dict) -> None:
    errors = [contention(), contention()]

    def meet_a_deadlock() -> None:
        if errors:
            raise errors.pop()

    behaviours["deadlock"] = meet_a_deadlock
    assert outcomes(send(note("a", behaviour="save: deadlock"))) == ["accepted"]
    assert titles() == ["a"]


@pytest.mark.usefixtures("_no_pauses")
def test_after_the_last_attempt_the_submission_is_busy_and_the_others_go_on(behaviours: dict) -> None:
    def deadlock() -> None:
        raise contention()

    behaviours["deadlock"] = deadlock
    receipts = send(note("a", behaviour="save: deadlock"), note("b"))
    assert outcomes(receipts) == ["busy", "accepted"]
    assert receipts[0].status == "deferred"
    assert receipts[0].retry_after > 0
    assert offline.runs.count("a") == 1 + retries.MOST_ATTEMPTS


def test_when_patience_has_ended_nothing_more_is_tried(behaviours: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    """A locked database must not keep the device waiting once for each submission."""

    def deadlock() -> None:
        raise contention()

    monkeypatch.setattr(retries, "PATIENCE_SECONDS", 0)
    behaviours["deadlock"] = deadlock
    receipts = send(note("a", behaviour="save: deadlock"), note("b"), note("c"))
    assert outcomes(receipts) == ["busy"] * 3
    assert offline.runs == ["a", "a"]


@pytest.mark.parametrize("size", [1, 2])
def test_an_error_at_the_commit_that_has_arrived_is_no_failure(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """The ledger is read before anything is put off."""
    original = transaction.Atomic.__exit__
    committed = []

    def exit_and_lose_the_answer(self: transaction.Atomic, *exception: object) -> None:
        original(self, *exception)
        if self.durable and exception[0] is None:
            committed.append(self)
            raise OperationalError("the connection was lost")

    monkeypatch.setattr(transaction.Atomic, "__exit__", exit_and_lose_the_answer)
    receipts = send(*[note(f"{n}") for n in range(size)])
    assert outcomes(receipts) == ["accepted"] * size
    assert len(committed) == 1
    assert offline.runs == [f"{n}" for n in range(size)]


@pytest.mark.parametrize("error", [OperationalError, DatabaseError])
@pytest.mark.parametrize("size", [1, 2])
def test_a_database_that_is_away_is_said_so(error: type[Exception], size: int) -> None:
    """The errors propagate: nothing is known of any submission."""

    def away(execute: object, sql: str, *args: object) -> None:
        raise error("server closed the connection")

    with connection.execute_wrapper(away), pytest.raises(error):
        send(*[note() for _ in range(size)])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("size", [1, 2])
def test_a_database_that_goes_away_half_way_is_said_so(size: int) -> None:
    def away_after_the_first(execute: object, sql: str, params: object, many: bool, context: dict) -> object:
        if state.append(sql) or len(state) == 1:
            return execute(sql, params, many, context)
        raise OperationalError("server closed the connection")

    state: list[str] = []
    with connection.execute_wrapper(away_after_the_first), pytest.raises(OperationalError):
        send(*[note() for _ in range(size)])


def test_p3_no_receipt_before_the_commit(transactional_db: None) -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        send(note())


def test_a_database_without_returning_keeps_the_results(monkeypatch: pytest.MonkeyPatch) -> None:
    original = ingestion.QuerySet.bulk_create

    def without_keys(self: object, rows: list[Submission], **options: object) -> list[Submission]:
        original(self, rows, **options)
        for row in rows:
            row.pk = None
        return rows

    monkeypatch.setattr(ingestion.QuerySet, "bulk_create", without_keys)
    receipts = send(note("a", slug="a"), note(""), note("b", slug="b"))
    assert outcomes(receipts) == ["accepted", "invalid", "accepted"]
    assert offline.runs == ["a", "b"]
    kept = {row.submission_id: row.result["url"] for row in Submission.objects.all()}
    assert kept == {receipts[0].id: "/notes/a/", receipts[2].id: "/notes/b/"}
