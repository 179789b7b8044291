"""What a site hears of, and what its receivers cannot spoil."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, connections, transaction
from django.dispatch import Signal

import offlinesync
from offlinesync.models import Submission
from offlinesync.submissions import IncomingSubmission, Receipt

from .ingesting import outcomes, send
from .sampleapp import offline
from .sampleapp.factories import again, note
from .sampleapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)

LONG = 60


class Listener:
    """Keeps what it is told, together with what the database held at that moment."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, str | None]] = []
        self.arguments: list[dict[str, Any]] = []
        self._lock = Lock()

    def __call__(self, signal: Signal, submission: IncomingSubmission, **arguments: Any) -> None:
        assert not connection.in_atomic_block
        is_in_ledger = Submission.objects.filter(submission_id=submission.id).exists()
        kind = "accepted" if signal is offlinesync.submission_accepted else "rejected"
        assert is_in_ledger == (kind == "accepted" or arguments["code"] == "id_reuse")
        with self._lock:
            self.heard.append((kind, dict(submission.fields)["title"], arguments.get("code")))
            self.arguments.append({"submission": submission, **arguments})


@pytest.fixture
def connect() -> Iterator[Callable]:
    """Connects receivers to both signals, and takes them away again."""
    both = (offlinesync.submission_accepted, offlinesync.submission_rejected)
    connected = []

    def connect(receiver: Callable, **options: Any) -> None:
        connected.append(receiver)
        for signal in both:
            signal.connect(receiver, weak=False, **options)

    yield connect
    for receiver in connected:
        for signal in both:
            signal.disconnect(receiver)
            signal.disconnect(receiver, sender=offline.NoteHandler)


@pytest.fixture
def listener(connect: Callable) -> Listener:
    listener = Listener()
    connect(listener)
    return listener


def test_the_arguments_of_accepted(listener: Listener, django_user_model: type[User]) -> None:
    user = django_user_model.objects.create(username="u")
    submission = note("a", slug="a", target="/here/")
    (receipt,) = send(submission, user=user)
    (told,) = listener.arguments
    assert (told["sender"], told["result"]) == (offline.NoteHandler, receipt.result)
    heard = told["submission"]
    assert (heard.id, heard.form, heard.target, heard.user) == (submission.id, "note", "/here/", user)


def test_the_arguments_of_rejected(listener: Listener) -> None:
    (invalid, unknown) = send(note("", slug="a"), note("b", form="nobody's"))
    assert [told["sender"] for told in listener.arguments] == [offline.NoteHandler, None]
    assert [told["code"] for told in listener.arguments] == ["invalid", "unknown_form"]
    assert [told["errors"] for told in listener.arguments] == [invalid.errors, unknown.errors]


@pytest.mark.parametrize("other", ["", "save: fail", "save: refuse"])
def test_once_for_each_also_where_a_batch_falls_back(listener: Listener, other: str) -> None:
    """What was refused or accepted in the transaction that is undone is heard of once it stands."""
    reused = note("reused")
    send(reused)
    listener.heard.clear()
    send(
        note("a"),
        note("", slug="r"),
        note("x", behaviour=other),
        note("b"),
        note("other body", id=reused.id),
        note("p", form="private note"),
    )
    of_the_other = {
        "": [("accepted", "x", None)],
        "save: fail": [],
        "save: refuse": [("rejected", "x", "invalid")],
    }
    assert offline.runs.count("a") == 1 + bool(other)
    expected = [
        ("accepted", "a", None),
        ("rejected", "", "invalid"),
        ("accepted", "b", None),
        ("rejected", "other body", "id_reuse"),
        ("rejected", "p", "forbidden"),
        *of_the_other[other],
    ]
    assert sorted(listener.heard, key=str) == sorted(expected, key=str)


def test_never_for_replays_nor_for_what_is_put_off(listener: Listener) -> None:
    submission = note("a")
    send(submission)
    send(again(submission))
    send(again(submission), note("b"), note("bad", behaviour="save: fail"))
    assert listener.heard == [("accepted", "a", None), ("accepted", "b", None)]


@pytest.mark.parametrize("first", ["validate: refuse", "save: refuse", "save: fail"])
def test_p6_what_has_to_wait_for_its_group_is_not_refused_yet(listener: Listener, first: str) -> None:
    """Although it could be refused without asking the database, or the ledger has its id."""
    reused = note("reused")
    send(reused)
    listener.heard.clear()
    send(note("1", behaviour=first, group="g"), note("2", form="x", group="g"), note("3", id=reused.id, group="g"))
    assert listener.heard == ([] if first.endswith("fail") else [("rejected", "1", "invalid")])


@pytest.mark.parametrize("size", [1, 8])
def test_c1_once_under_twins(listener: Listener, size: int) -> None:
    batch = [note(f"{number}") for number in range(size)]
    together = Barrier(12)

    def deliver(seed: int) -> None:
        together.wait(LONG)
        try:
            receipts: list[Receipt] = []
            while not receipts or any(receipt.status == "deferred" for receipt in receipts):
                receipts = send(*[again(batch[(seed + number) % size]) for number in range(size)])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(12) as pool:
        for future in [pool.submit(deliver, seed) for seed in range(12)]:
            future.result(LONG)
    assert sorted(listener.heard) == sorted(("accepted", f"{number}", None) for number in range(size))


@pytest.mark.parametrize("size", [1, 2])
def test_b8_once_where_the_answer_to_the_commit_is_lost(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    original = transaction.Atomic.__exit__
    lost = []

    def exit_and_lose_the_answer(self: transaction.Atomic, *exception: object) -> None:
        original(self, *exception)
        if self.durable and exception[0] is None:
            lost.append(self)
            raise OperationalError("the connection was lost")

    monkeypatch.setattr(transaction.Atomic, "__exit__", exit_and_lose_the_answer)
    receipts = send(*[note(f"{number}") for number in range(size)])
    assert lost
    assert [receipt.replayed for receipt in receipts] == [False] * size
    assert listener.heard == [("accepted", f"{number}", None) for number in range(size)]


@pytest.mark.parametrize("size", [1, 3])
def test_a_receiver_that_raises_changes_nothing_and_stops_nobody(
    connect: Callable, caplog: pytest.LogCaptureFixture, size: int
) -> None:
    def raising(submission: IncomingSubmission, **arguments: Any) -> None:
        raise RuntimeError(f"cannot digest {dict(submission.fields)['title']}")

    connect(raising)
    listener = Listener()
    connect(listener)
    batch = [note(f"canary-{number}") for number in range(size)]
    with caplog.at_level(logging.DEBUG):
        receipts = send(*batch, note("canary-rejected", form="private note"))
    assert outcomes(receipts) == ["accepted"] * size + ["forbidden"]
    assert len(listener.heard) == size + 1
    assert Note.objects.count() == size
    failures = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert {record.name for record in failures} == {"offlinesync"}
    assert len(failures) == size + 1
    for submission, record in zip(batch, failures[:-1], strict=True):
        assert str(submission.id) in record.getMessage()
        assert "'note'" in record.getMessage()
        assert "raising" in record.getMessage()
    assert "RuntimeError: cannot digest" in caplog.text
    assert "line" in caplog.text
    assert "canary" not in caplog.text


def test_a_receiver_that_breaks_its_own_transaction_breaks_no_other(connect: Callable) -> None:
    def breaking(**arguments: Any) -> None:
        with transaction.atomic():
            Note.objects.create(title="half")
            raise RuntimeError

    connect(breaking)
    assert outcomes(send(note("a"), note("b", behaviour="save: refuse"), note("c"))) == [
        "accepted",
        "invalid",
        "accepted",
    ]
    assert list(Note.objects.values_list("title", flat=True)) == ["a", "c"]


def test_what_a_receiver_does_to_submission_and_user_stays_with_it(
    connect: Callable, django_user_model: type[User]
) -> None:
    def spoil(submission: IncomingSubmission, **arguments: Any) -> None:
        submission.user.first_name = "spoilt"
        submission.fields.clear()
        for value in arguments.values():
            if isinstance(value, dict):
                value.clear()

    connect(spoil)
    user = django_user_model.objects.create(username="u")
    send(note("alone"), user=user)
    assert user.first_name == ""
    batch = [note("a", slug="a"), note("b", behaviour="save: refuse"), note("", slug="c")]
    receipts = send(*batch, user=user)
    assert receipts[0].result["url"] == "/notes/a/"
    assert list(receipts[2].errors) == ["title"]
    assert all(submission.fields for submission in batch)


def test_without_receivers_no_statement_is_spent(connect: Callable, django_assert_num_queries: Any) -> None:
    """A receiver of another form's signals costs nothing either."""
    connect(lambda **arguments: None, sender=offline.PrivateNoteHandler)
    with django_assert_num_queries(1):
        send(note("a", form="nobody's"))
