"""The command that clears old rows of the ledger, and what a replay finds years later (row C5)."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from offlinesync.ingestion import ingest
from offlinesync.management.commands import offlinesync_prune
from offlinesync.models import Submission

from .sampleapp.factories import again, note
from .sampleapp.models import Note

pytestmark = pytest.mark.django_db

ANONYMOUS = AnonymousUser()
FIVE_YEARS = timedelta(days=5 * 366)


@pytest.fixture
def user(django_user_model: type[User]) -> User:
    return django_user_model.objects.create(username="u")


def prune(*arguments: str) -> str:
    out = StringIO()
    call_command("offlinesync_prune", *arguments, stdout=out)
    return out.getvalue()


def move_the_clock(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    now = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: now() + by)


def received(days_ago: float, **values: object) -> Submission:
    defaults = {"form": "note", "digest": "1:x", "result": {"url": "/"}}
    moment = timezone.now() - timedelta(days=days_ago)
    return Submission.objects.create(submission_id=note().id, received_at=moment, **{**defaults, **values})


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("signed_in", [True, False])
def test_c5_a_replay_after_years_is_accepted_with_no_result_and_no_second_effect(
    monkeypatch: pytest.MonkeyPatch, user: User, size: int, signed_in: bool
) -> None:
    sender = user if signed_in else ANONYMOUS
    batch = [note(f"{number}") for number in range(size)]
    ingest(batch, user=sender)
    before = list(Submission.objects.order_by("pk").values("owner", "submission_id", "digest", "form", "received_at"))
    move_the_clock(monkeypatch, FIVE_YEARS)
    assert prune("--older-than", "365") == f"{size} submission{'s' if size > 1 else ''} cleared.\n"
    assert Submission.objects.filter(result__isnull=True, user=None).count() == size
    after = Submission.objects.order_by("pk").values("owner", "submission_id", "digest", "form", "received_at")
    assert list(after) == before
    receipts = ingest([*map(again, batch), note("new")], user=sender)
    assert [(receipt.status, receipt.replayed) for receipt in receipts] == [("accepted", True)] * size + [
        ("accepted", False)
    ]
    assert all("result" not in receipt.as_json() for receipt in receipts[:-1])
    assert Note.objects.count() == size + 1
    assert Submission.objects.count() == size + 1


def test_c5_after_years_another_body_is_still_told_apart(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    first = note("first")
    ingest([first], user=user)
    move_the_clock(monkeypatch, FIVE_YEARS)
    prune("--older-than", "1")
    (receipt,) = ingest([note("second", id=first.id)], user=user)
    assert (receipt.code, receipt.result) == ("id_reuse", None)
    assert Note.objects.get().title == "first"


def test_what_is_younger_stays_as_it_is(user: User) -> None:
    old, young = received(30.1, user=user), received(29.9, user=user)
    assert prune("--older-than=30") == "1 submission cleared.\n"
    for row in (old, young):
        row.refresh_from_db()
    assert (old.result, old.user) == (None, None)
    assert (young.result, young.user) == ({"url": "/"}, user)


def test_a_dry_run_counts_and_changes_nothing(user: User) -> None:
    for row in (received(10), received(10, result=None, user=user), received(10, result=None)):
        assert row.pk
    before = list(Submission.objects.order_by("pk").values())
    assert prune("--older-than", "9", "--dry-run") == "2 submissions would be cleared.\n"
    assert list(Submission.objects.order_by("pk").values()) == before
    assert prune("--older-than", "9") == "2 submissions cleared.\n"
    assert prune("--older-than", "9") == "0 submissions cleared.\n"


@pytest.mark.parametrize("rows", [4, 5, 6])
def test_no_statement_touches_more_than_a_batch(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(offlinesync_prune, "BATCH_SIZE", 2)
    for _ in range(rows):
        received(10)
    received(1)
    with CaptureQueriesContext(connection) as queries:
        assert prune("--older-than", "9") == f"{rows} submissions cleared.\n"
    updates = [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]
    assert len(updates) == (rows + 1) // 2
    assert Submission.objects.filter(result__isnull=True).count() == rows


@pytest.mark.parametrize("days", ["0", "-1", "1.5", "x", "", "36501", "9" * 400, "٣"])
def test_days_that_make_no_sense_are_refused(days: str) -> None:
    row = received(40_000)
    with pytest.raises(CommandError, match="from 1 to 36500"):
        prune(f"--older-than={days}")
    row.refresh_from_db()
    assert row.result is not None


def test_there_is_no_default_age() -> None:
    with pytest.raises(CommandError, match="--older-than"):
        prune()


def test_verbosity_0_says_nothing() -> None:
    received(10)
    assert prune("--older-than=9", "--verbosity=0") == ""
