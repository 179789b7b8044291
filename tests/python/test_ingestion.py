"""What is accepted and what is a replay, one connection at a time; twins are in test_concurrency."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import gettext_lazy

from offlinesync import ingestion
from offlinesync.models import Submission
from offlinesync.submissions import Receipt

from .ingesting import ANONYMOUS, outcomes, send, titles
from .sampleapp import offline
from .sampleapp.factories import again, note
from .sampleapp.models import Note

pytestmark = pytest.mark.django_db


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
