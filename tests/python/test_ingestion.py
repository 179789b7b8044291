"""Receipts, one connection at a time. Twins are in test_concurrency."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.files.storage import default_storage
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.translation import get_language, gettext_lazy

from offlinesync import ingestion, refusals, retries
from offlinesync.ingestion import ingest
from offlinesync.models import Submission
from offlinesync.submissions import IncomingSubmission, Receipt

from .sampleapp import offline
from .sampleapp.factories import again, file, note
from .sampleapp.models import Note

pytestmark = pytest.mark.django_db

ANONYMOUS = AnonymousUser()


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    offline.runs.clear()
    offline.hooks_run.clear()


@pytest.fixture
def behaviours(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict]:
    """Behaviours that a test may add to."""
    monkeypatch.setattr(offline, "BEHAVIOURS", dict(offline.BEHAVIOURS))
    return offline.BEHAVIOURS


def send(*submissions: IncomingSubmission, user: User | AnonymousUser = ANONYMOUS) -> list[Receipt]:
    return ingest(submissions, user=user)


def outcomes(receipts: list[Receipt]) -> list[str]:
    return [receipt.code or receipt.status for receipt in receipts]


def titles() -> list[str]:
    return list(Note.objects.order_by("pk").values_list("title", flat=True))


def assert_ledger_and_effects_agree() -> None:
    """Row C2."""
    assert Submission.objects.count() == Note.objects.exclude(slug="taken").count()


# Accepted


@pytest.mark.parametrize("size", [1, 3])
def test_accepted_submissions_are_saved_in_the_order_of_the_batch(size: int) -> None:
    batch = [note(f"{n}", slug=f"s{n}") for n in range(size)]
    receipts = send(*reversed(batch))
    assert [receipt.id for receipt in receipts] == [submission.id for submission in reversed(batch)]
    assert outcomes(receipts) == ["accepted"] * size
    assert [receipt.replayed for receipt in receipts] == [False] * size
    assert titles() == [f"{n}" for n in reversed(range(size))]
    assert receipts[0].result == {"url": f"/notes/s{size - 1}/", "key": str(Note.objects.first().pk)}


def test_the_ledger_row_says_who_what_and_when(django_user_model: type[User]) -> None:
    user = django_user_model.objects.create(username="u")
    claim = datetime(2026, 3, 1, 12, tzinfo=UTC)
    submission = note(captured_at=claim)
    (receipt,) = send(submission, user=user)
    row = Submission.objects.get()
    assert (row.owner, row.submission_id, row.form, row.user) == (str(user.pk), submission.id, "note", user)
    assert (row.digest, row.result, row.captured_at) == (submission.digest, receipt.result, claim)


def test_an_empty_batch_has_no_receipts(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):
        assert send() == []


def test_the_clean_case_costs_three_statements_and_the_handlers_own() -> None:
    """Step 2 has no statement of its own for each submission."""

    def statements(size: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            send(*[note(form="note as data", data={"title": "t"}) for _ in range(size)])
        return sum("offlinesync_submission" in query["sql"] for query in queries)

    assert statements(2) == statements(20) == 3


def test_the_rows_of_a_batch_are_inserted_in_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two devices' batches, in opposite orders, deadlock on PostgreSQL otherwise (measured)."""
    inserted = []
    original = ingestion.QuerySet.bulk_create

    def watch(self: object, rows: list[Submission], **options: object) -> list[Submission]:
        inserted.extend(row.submission_id for row in rows)
        return original(self, rows, **options)

    monkeypatch.setattr(ingestion.QuerySet, "bulk_create", watch)
    batch = [note(f"{n}") for n in range(5)]
    send(*reversed(batch))
    assert inserted == sorted(submission.id for submission in batch)
    assert titles() == ["4", "3", "2", "1", "0"]


def test_b14_no_claim_of_the_device_clock_is_a_reason_to_refuse() -> None:
    claims = [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, 59, tzinfo=timezone(-timedelta(hours=12))),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2070, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1),  # noqa: DTZ001
        None,
    ]
    assert outcomes(send(*[note(captured_at=claim) for claim in claims])) == ["accepted"] * len(claims)
    kept = Submission.objects.order_by("pk").values_list("captured_at", flat=True)
    assert sorted(filter(None, kept)) == claims[2:4]


@pytest.mark.parametrize("use_tz", [True, False])
def test_captured_at_is_kept_with_and_without_time_zones(settings: object, use_tz: bool) -> None:
    settings.USE_TZ = use_tz
    send(note(captured_at=datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))))
    assert Submission.objects.get().captured_at.replace(tzinfo=UTC) == datetime(2026, 3, 1, 10, tzinfo=UTC)


# Replays


@pytest.mark.parametrize("size", [1, 3])
def test_p3_a_replay_gets_the_same_receipt_and_no_second_effect(size: int) -> None:
    batch = [note(f"{n}", slug=f"s{n}") for n in range(size)]
    first = send(*batch)
    second = send(*map(again, batch))
    assert [receipt.result for receipt in second] == [receipt.result for receipt in first]
    assert outcomes(second) == ["accepted"] * size
    assert [receipt.replayed for receipt in second] == [True] * size
    assert Note.objects.count() == size


def test_c5_a_pruned_submission_is_still_a_replay() -> None:
    submission = note()
    send(submission)
    Submission.objects.update(result=None, user=None)
    (receipt,) = send(again(submission))
    assert receipt == Receipt(submission.id, "accepted", replayed=True)
    assert "result" not in receipt.as_json()


def test_a_replay_is_accepted_when_the_form_is_not_registered_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    submission = note()
    send(submission)
    monkeypatch.setattr("offlinesync.registry._classes", {})
    assert outcomes(send(again(submission), note())) == ["accepted", "unknown_form"]


def test_a_replay_is_accepted_when_the_person_has_lost_the_permission(django_user_model: type[User]) -> None:
    user = django_user_model.objects.create(username="permitted")
    submission = note(form="guarded note")
    assert outcomes(send(submission, user=user)) == ["accepted"]
    user.username = "u"
    assert outcomes(send(again(submission), note(form="guarded note"), user=user)) == ["accepted", "forbidden"]


def test_a_replay_is_accepted_when_the_site_has_given_up_the_language(settings: object) -> None:
    submission = note(language="de")
    send(submission)
    settings.LANGUAGES = [("en", "English")]
    assert outcomes(send(again(submission), note(language="de"))) == ["accepted", "invalid"]


def test_c3_same_id_other_body_is_id_reuse_and_the_first_stays(django_user_model: type[User]) -> None:
    user = django_user_model.objects.create(username="u")
    first = note("first", slug="first")
    (accepted,) = send(first, user=user)
    (receipt,) = send(note("second", id=first.id), user=user)
    assert (receipt.status, receipt.code, receipt.result) == ("rejected", "id_reuse", accepted.result)
    assert titles() == ["first"]


def test_d9_id_reuse_tells_an_anonymous_visitor_nothing_of_the_other() -> None:
    first = note("first")
    send(first)
    (receipt,) = send(note("second", id=first.id))
    assert receipt == Receipt(first.id, "rejected", code="id_reuse")


def test_d9_ids_are_unique_per_owner(django_user_model: type[User]) -> None:
    users = [ANONYMOUS, *(django_user_model.objects.create(username=name) for name in "ab")]
    first = note()
    receipts = [send(note(f"{n}", id=first.id), user=user)[0] for n, user in enumerate(users)]
    assert outcomes(receipts) == ["accepted"] * 3
    assert [receipt.replayed for receipt in receipts] == [False] * 3


def test_an_id_twice_in_a_batch_is_a_mistake_of_the_caller() -> None:
    first = note()
    with pytest.raises(ValueError, match="id twice"):
        send(first, again(first))


def test_c4_the_result_is_the_very_same_to_the_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys in another order, a lazy text, a number of Decimal: what databases and JSON change."""
    result = {
        "zebra": 1,
        "a": {"bb": Decimal("1.50"), "a": [gettext_lazy("Yes"), 2.5]},
        "url": "/ü/",
        "day": date(2026, 3, 4),
    }
    monkeypatch.setattr(offline.NoteHandler, "get_result", lambda *args: result)
    submission = note()
    first, second = send(submission)[0], send(again(submission))[0]
    assert json.dumps(first.result) == json.dumps(second.result)
    assert list(first.result) == sorted(result)
    assert first.result["a"] == {"a": ["Yes", 2.5], "bb": "1.50"}


@pytest.mark.parametrize("result", [None, "/url/", {"a": object()}, {"a": float("nan")}])
@pytest.mark.parametrize("size", [1, 2])
def test_c7_a_result_that_no_receipt_can_carry_is_a_bug(
    monkeypatch: pytest.MonkeyPatch, result: object, size: int
) -> None:
    monkeypatch.setattr(offline.NoteHandler, "get_result", lambda *args: result)
    assert outcomes(send(*[note() for _ in range(size)])) == ["handler_error"] * size
    assert not Note.objects.exists()


# Every mix of outcomes (row C6)

MIX = {
    "accepted": {},
    "invalid": {"title": ""},
    "forbidden": {"form": "private note"},
    "unknown_form": {"form": "nobody's"},
    "handler_error": {"behaviour": "save: fail"},
    "incomplete_file": {"files": [file(size=1_000_000)]},
}


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


# Errors of the database


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


# Groups


@pytest.mark.parametrize("outcome", sorted(MIX))
def test_p6_a_group_stops_at_its_first_member_not_accepted(outcome: str) -> None:
    options = {"title": "second", **MIX[outcome]}
    batch = [
        note("first", group="g"),
        note(group="g", **options),
        note("third", group="g"),
        note("other group", group="h"),
        note("no group"),
        note("fourth", group="g"),
    ]
    receipts = send(*batch)
    later = "accepted" if outcome == "accepted" else "group"
    assert outcomes(receipts) == ["accepted", outcome, later, "accepted", "accepted", later]
    if later == "group":
        assert receipts[2].status == "deferred"
        assert "third" not in offline.runs
        assert titles() == ["first", "other group", "no group"]
    assert_ledger_and_effects_agree()


def test_p6_a_group_stops_at_a_reused_id_but_not_at_a_replay() -> None:
    first, second = note("1", group="g"), note("2", group="g")
    send(first, second)
    assert outcomes(send(again(first), note("new", group="g"))) == ["accepted", "accepted"]
    assert outcomes(send(note("x", id=first.id, group="g"), again(second), note("new", group="g"))) == [
        "id_reuse",
        "accepted",
        "group",
    ]


@pytest.mark.parametrize("outcome", sorted(set(MIX) - {"accepted"}))
def test_p6_whatever_is_wrong_with_a_later_member_it_waits_for_its_group(outcome: str) -> None:
    """Also what could be refused without asking a handler: its own turn has not come."""
    receipts = send(note("", group="g"), note("second", group="g"), note(group="g", **{"title": "3", **MIX[outcome]}))
    assert outcomes(receipts) == ["invalid", "group", "group"]


# on_commit


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("position", range(3))
def test_c9_a_hook_that_raises_is_logged_and_hinders_nobody(
    caplog: pytest.LogCaptureFixture, size: int, position: int
) -> None:
    position = min(position, size - 1)
    behaviour = ["save: hook"] * size
    behaviour[position] = "save: failing hook"
    batch = [note(f"{n}", behaviour=item) for n, item in enumerate(behaviour)]
    receipts = send(*batch)
    assert outcomes(receipts) == ["accepted"] * size
    assert [receipt.replayed for receipt in receipts] == [False] * size
    assert offline.hooks_run == ["hook"] * (size - 1)
    assert str(batch[position].id) in caplog.text
    assert "'note'" in caplog.text
    assert "RuntimeError: a handler's bug" in caplog.text
    assert {record.name for record in caplog.records} == {"offlinesync"}


@pytest.mark.django_db(transaction=True)
def test_c9_hooks_of_validating_are_kept_apart_too(behaviours: dict) -> None:
    receipts = send(note("a", behaviour="validate: failing hook"), note("b", behaviour="validate: hook"))
    assert outcomes(receipts) == ["accepted"] * 2
    assert offline.hooks_run == ["hook"]


@pytest.mark.django_db(transaction=True)
def test_hooks_of_what_is_refused_or_undone_never_run(behaviours: dict) -> None:
    def hook_and_refuse() -> None:
        offline.hook()
        offline.refuse()

    def hook_and_fail() -> None:
        offline.hook()
        offline.fail()

    behaviours.update(refuse=hook_and_refuse, fail=hook_and_fail)
    assert outcomes(send(note("a", behaviour="validate: refuse"), note("b"))) == ["invalid", "accepted"]
    assert offline.runs == ["a", "b"]
    assert outcomes(send(note("a", behaviour="save: fail"), note("b"))) == ["handler_error", "accepted"]
    assert offline.hooks_run == []


@pytest.mark.django_db(transaction=True)
def test_c2_hooks_run_after_the_commit_and_once(behaviours: dict) -> None:
    committed = []

    def look() -> None:
        transaction.on_commit(lambda: committed.append(Submission.objects.count()))

    behaviours["look"] = look
    send(note("a", behaviour="save: look"), note("bad", behaviour="save: fail"))
    assert committed == [1]


# Language and time zone (row C11)


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", date(2026, 3, 4)), ("en-gb", date(2026, 4, 3)), ("en-us", date(2026, 3, 4)), (None, date(2026, 3, 4))],
)
@pytest.mark.parametrize("size", [1, 2])
def test_c11_a_date_is_read_as_on_the_page(settings: object, language: str | None, expected: date, size: int) -> None:
    settings.LANGUAGE_CODE = "en"
    settings.LANGUAGES = [("en", "English"), ("en-gb", "British English")]
    receipts = send(*[note(day="03/04/2026", language=language) for _ in range(size)])
    assert outcomes(receipts) == ["accepted"] * size
    assert [item.day for item in Note.objects.all()] == [expected] * size


def test_c11_a_language_is_not_replaced_by_a_relative_that_reads_dates_otherwise(settings: object) -> None:
    """The site had British English when the form was filled in, and has only "en" now."""
    settings.LANGUAGES = [("en", "English")]
    send(note(day="03/04/2026", language="en-gb"))
    assert Note.objects.get().day == date(2026, 4, 3)


def test_c11_error_texts_are_in_the_language_of_the_page(settings: object) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fr", "français")]
    receipts = send(note("", language="de"), note("", language="de-at"), note("", language="fr"), note(""))
    texts = [receipt.errors["title"][0]["message"] for receipt in receipts]
    assert texts == ["Dieses Feld ist zwingend erforderlich."] * 2 + [
        "Ce champ est obligatoire.",
        "This field is required.",
    ]
    assert {receipt.errors["title"][0]["code"] for receipt in receipts} == {"required"}


def test_c11_a_moment_is_read_in_the_time_zone_of_the_page(settings: object) -> None:
    settings.TIME_ZONE = "UTC"
    for zone in ("Europe/Berlin", "Asia/Tokyo", None):
        send(note(moment="2026-07-01 12:00", time_zone=zone))
    hours = [item.moment.astimezone(UTC).hour for item in Note.objects.order_by("pk")]
    assert hours == [10, 3, 12]


@pytest.mark.django_db(transaction=True)
def test_c11_hooks_speak_the_language_of_the_page(settings: object, behaviours: dict) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("fr", "français")]
    behaviours["look"] = lambda: transaction.on_commit(lambda: offline.hooks_run.append(get_language()))
    send(note(behaviour="save: look", language="de"), note(behaviour="save: look", language="fr"))
    assert offline.hooks_run == ["de", "fr"]


@pytest.mark.parametrize("language", ["xx", "", "tlh-kx", "../de", "d\0", "\ud800", "x" * 10_000])
def test_c11_an_unknown_language_is_refused(language: str) -> None:
    (receipt,) = send(note(language=language))
    assert (receipt.status, receipt.code) == ("rejected", "invalid")
    assert "Open the form again" in receipt.errors["__all__"][0]["message"]


@pytest.mark.parametrize(
    "time_zone", ["", "Nowhere/Land", "Europe", "/etc/passwd", "../../etc/passwd", "a\0", "\ud800", "x" * 10_000]
)
def test_c11_an_unknown_time_zone_is_refused(time_zone: str) -> None:
    (receipt,) = send(note(time_zone=time_zone))
    assert (receipt.status, receipt.code) == ("rejected", "invalid")
    assert "Open the form again" in receipt.errors["__all__"][0]["message"]


# Files


@pytest.mark.parametrize("size", [1, 2])
def test_files_are_saved(size: int) -> None:
    send(*[note(files=[file(b"abc")]) for _ in range(size)])
    assert [item.attachment.read() for item in Note.objects.all()] == [b"abc"] * size


@pytest.mark.parametrize("part", [{"received": None}, {"size": 4}, {"size": 0}])
def test_a6_a_file_that_has_not_arrived_in_full_is_waited_for(part: dict) -> None:
    (receipt,) = send(note(files=[file(b"abc", **part)]))
    assert (receipt.status, receipt.code) == ("deferred", "incomplete_file")
    assert not offline.runs


def test_a6_a_replay_that_has_lost_a_file_is_not_taken_for_another_body() -> None:
    submission = note(files=[file(b"abc")])
    send(submission)
    lost = again(submission)
    lost.files = [file(b"abc", received=None)]
    assert outcomes(send(lost)) == ["incomplete_file"]
    assert outcomes(send(again(submission))) == ["accepted"]


def test_p3_another_submissions_failure_does_not_leave_a_file_twice() -> None:
    """No rollback takes back what ModelForm.save() has written to the storage."""
    before = default_storage.listdir("")[1]
    batch = [note("a", files=[file()]), note("b", files=[file()]), note("bad", behaviour="save: fail"), note("c")]
    assert outcomes(send(*batch)) == ["accepted", "accepted", "handler_error", "accepted"]
    assert len(default_storage.listdir("")[1]) == len(before) + 2
    assert titles() == ["a", "b", "c"]


def test_c2_a_second_run_gets_its_files_afresh(behaviours: dict) -> None:
    """The first run has read the file, and closed it."""
    failures = [IntegrityError("somebody was faster")]

    def fail_once() -> None:
        if failures:
            raise failures.pop()

    behaviours["fail once"] = fail_once
    assert outcomes(send(note("a", files=[file(b"abc")], behaviour="save: fail once"))) == ["accepted"]
    assert offline.runs.count("a") == 2
    assert Note.objects.get().attachment.read() == b"abc"
