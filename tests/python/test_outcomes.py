"""Every mix of outcomes in one batch, and what of it stays (row C6)."""

import logging

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError

from offlinesync.models import Submission
from offlinesync.submissions import IncomingSubmission, Receipt

from .ingesting import MIX, assert_ledger_and_effects_agree, outcomes, send, titles
from .sampleapp import offline
from .sampleapp.factories import again, note
from .sampleapp.models import Note

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("other", sorted(MIX))
@pytest.mark.parametrize("position", range(3))
def test_c6_each_submission_has_its_own_fate(other: str, position: int) -> None:
    batch = [note("good 0"), note("good 1")]
    batch.insert(position, note(**{"title": "other", **MIX[other]}))
    receipts = send(*batch)
    expected = ["accepted", "accepted"]
    expected.insert(position, other)
    assert outcomes(receipts) == expected
    assert [receipt.id for receipt in receipts] == [submission.id for submission in batch]
    assert_ledger_and_effects_agree()
    assert [title for title in titles() if title != "other"] == ["good 0", "good 1"]


def test_c6_all_outcomes_in_one_batch() -> None:
    replayed, reused = note("replayed"), note("reused")
    send(replayed, reused)
    batch = [note(**{"title": outcome, **options}) for outcome, options in MIX.items()]
    receipts = send(again(replayed), *batch, note("other body", id=reused.id), note("last"))
    assert outcomes(receipts) == ["accepted", *MIX, "id_reuse", "accepted"]
    assert titles() == ["replayed", "reused", "accepted", "last"]
    assert_ledger_and_effects_agree()


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("step", ["validate", "save"])
@pytest.mark.parametrize(
    ("behaviour", "code", "errors"),
    [
        ("refuse", "invalid", {"title": [{"message": "Not this one.", "code": ""}]}),
        ("complain", "invalid", {"body": [{"message": "Too dull.", "code": "dull"}]}),
        (
            "miss",
            "invalid",
            {
                "__all__": [
                    {"message": "What this form belongs to does not exist any more.", "code": "invalid"},
                ]
            },
        ),
        ("deny", "forbidden", None),
    ],
)
def test_a_handler_may_refuse_at_both_steps(size: int, step: str, behaviour: str, code: str, errors: object) -> None:
    refused = note("refused", behaviour=f"{step}: {behaviour}")
    receipts = send(refused, *[note("good")] * (size - 1))
    assert receipts[0] == Receipt(refused.id, "rejected", code=code, errors=errors)
    assert titles() == ["good"] * (size - 1)
    assert_ledger_and_effects_agree()


def test_a_refused_entry_is_accepted_under_its_id_once_it_is_right() -> None:
    refused = note("")
    assert outcomes(send(refused)) == ["invalid"]
    assert outcomes(send(note("right", id=refused.id))) == ["accepted"]


def test_refusals_while_validating_do_not_undo_the_others() -> None:
    send(note(""), note("a"), note("b"))
    assert offline.runs == ["a", "b"]


def test_after_a_failure_handlers_run_a_second_time_and_commit_once() -> None:
    """Row C2: the first run is rolled back."""
    receipts = send(note("a"), note("bad", behaviour="save: fail"), note("b"))
    assert outcomes(receipts) == ["accepted", "handler_error", "accepted"]
    assert offline.runs == ["a", "bad", "a", "bad", "b"]
    assert titles() == ["a", "b"]


@pytest.fixture
def counted_user(monkeypatch: pytest.MonkeyPatch, django_user_model: type[User]) -> User:
    """Somebody on whose own row the handler counts."""
    original = offline.NoteHandler.save

    def count_and_save(self: offline.NoteHandler, validated: object, submission: IncomingSubmission) -> Note:
        submission.user.first_name = str(int(submission.user.first_name) + 1)
        submission.user.save()
        return original(self, validated, submission)

    monkeypatch.setattr(offline.NoteHandler, "save", count_and_save)
    return django_user_model.objects.create(username="u", first_name="0")


def test_p3_after_a_failure_the_user_is_as_the_database_has_it(counted_user: User) -> None:
    receipts = send(note("a"), note("b"), note("bad", behaviour="save: fail"), note("c"), user=counted_user)
    assert outcomes(receipts) == ["accepted", "accepted", "handler_error", "accepted"]
    counted_user.refresh_from_db()
    assert counted_user.first_name == "3"


@pytest.mark.parametrize("failure", [IntegrityError("somebody was faster"), OperationalError(1213, "Deadlock found")])
def test_p3_when_it_is_tried_again_the_user_is_as_the_database_has_it(
    behaviours: dict, counted_user: User, failure: Exception
) -> None:
    failures = [failure]

    def fail_once() -> None:
        if failures:
            raise failures.pop()

    behaviours["fail once"] = fail_once
    assert outcomes(send(note("a", behaviour="save: fail once"), user=counted_user)) == ["accepted"]
    counted_user.refresh_from_db()
    assert counted_user.first_name == "1"


@pytest.mark.parametrize("step", ["validate", "save"])
def test_p3_what_a_refused_submission_has_done_to_the_user_is_forgotten(
    behaviours: dict, monkeypatch: pytest.MonkeyPatch, counted_user: User, step: str
) -> None:
    """A form of the user's own data changes the user it is given, also where it is not valid."""
    original = offline.NoteHandler.validate

    def change_and_validate(self: offline.NoteHandler, submission: IncomingSubmission) -> object:
        submission.user.last_name += dict(submission.fields)["title"]
        return original(self, submission)

    monkeypatch.setattr(offline.NoteHandler, "validate", change_and_validate)
    batch = [note("a"), note("bad", behaviour=f"{step}: refuse"), note("b"), note("c")]
    assert outcomes(send(*batch, user=counted_user)) == ["accepted", "invalid", "accepted", "accepted"]
    counted_user.refresh_from_db()
    assert (counted_user.first_name, counted_user.last_name) == ("3", "abc")


def test_a_user_who_is_gone_half_way_fails_nobody_elses_submission(
    behaviours: dict, django_user_model: type[User]
) -> None:
    def leave() -> None:
        django_user_model.objects.all().delete()
        offline.refuse()

    behaviours["leave"] = leave
    user = django_user_model.objects.create(username="u")
    assert outcomes(send(note("a", behaviour="validate: leave"), note("b"), user=user)) == ["invalid", "accepted"]


def test_p3_a_second_run_gets_its_data_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    original = offline.DataHandler.validate

    def take_and_validate(self: offline.DataHandler, submission: IncomingSubmission) -> object:
        serializer = original(self, submission)
        submission.data["tags"].clear()
        submission.data.clear()
        submission.fields.clear()
        return serializer

    monkeypatch.setattr(offline.DataHandler, "validate", take_and_validate)
    data = note(form="note as data", data={"title": "a", "tags": [1]})
    assert outcomes(send(data, note("bad", behaviour="save: fail"))) == ["accepted", "handler_error"]
    assert (data.data, data.fields) == ({"title": "a", "tags": [1]}, [("title", "A note")])
    assert titles() == ["a"]


@pytest.mark.parametrize("size", [1, 2])
def test_c2_a_handler_that_raises_after_writing_leaves_neither_row_nor_effect(size: int) -> None:
    batch = [note("bad", behaviour="save: fail") for _ in range(size)]
    assert outcomes(send(*batch)) == ["handler_error"] * size
    assert not Note.objects.exists()
    assert not Submission.objects.exists()


@pytest.mark.parametrize("size", [1, 2])
def test_c2_an_error_that_the_handler_hides_is_no_success(size: int) -> None:
    """The database has rolled back, whatever the handler says."""
    batch = [note("bad", behaviour="save: swallow") for _ in range(size)]
    assert outcomes(send(*batch)) == ["handler_error"] * size
    assert_ledger_and_effects_agree()


def test_p3_nothing_is_accepted_whose_ledger_row_is_gone(behaviours: dict) -> None:
    """As after an error with which the database has undone the whole transaction, and which the handler hides."""
    behaviours["lose"] = lambda: Submission.objects.all().delete()
    receipts = send(note("a"), note("bad", behaviour="save: lose"), note("b"))
    assert outcomes(receipts) == ["accepted", "handler_error", "accepted"]
    assert titles() == ["a", "b"]
    assert_ledger_and_effects_agree()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("size", [1, 2])
def test_c2_a_server_that_is_stopped_half_way_leaves_nothing(
    behaviours: dict, error: type[BaseException], size: int
) -> None:
    def stop() -> None:
        raise error

    behaviours["stop"] = stop
    with pytest.raises(error):
        send(note("bad", behaviour="save: stop"), *[note("other")] * (size - 1))
    assert not Note.objects.exists()
    assert not Submission.objects.exists()


def test_c7_a_bug_is_logged_with_its_traceback_and_without_what_was_written(caplog: pytest.LogCaptureFixture) -> None:
    bad = note("My secret", behaviour="save: fail")
    (receipt,) = send(bad)
    assert (receipt.status, receipt.code) == ("deferred", "handler_error")
    assert receipt.retry_after >= 60
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.name == "offlinesync"
    assert str(bad.id) in record.getMessage()
    assert "'note'" in record.getMessage()
    assert "RuntimeError: a handler's bug" in caplog.text
    assert "My secret" not in caplog.text
