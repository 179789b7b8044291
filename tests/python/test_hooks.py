"""Hooks that handlers leave in `on_commit` (row C9)."""

import pytest
from django.db import transaction

from offlinesync.models import Submission

from .ingesting import outcomes, send
from .sampleapp import offline
from .sampleapp.factories import note

pytestmark = pytest.mark.django_db


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
