"""The log has type, traceback, form and id of what went wrong, and no word that somebody has written (row C7)."""

import logging
import re
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, connection, transaction

from offlinesync.ingestion import ingest
from offlinesync.redaction import MASK, redacted
from offlinesync.submissions import IncomingSubmission, Receipt

from .sampleapp.factories import file, note
from .sampleapp.models import Note

ANONYMOUS = AnonymousUser()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything, down to what only developers switch on."""
    with caplog.at_level(logging.DEBUG, "offlinesync"):
        yield caplog


def send(*submissions: IncomingSubmission, user: User | AnonymousUser = ANONYMOUS) -> list[Receipt]:
    for submission in submissions:
        submission.user = user
    return ingest(submissions, user=user)


def logged(error: BaseException, *submissions: IncomingSubmission) -> str:
    """The exception as the standard library's formatter writes it."""
    return "".join(traceback.format_exception(redacted(error, *submissions)))


def written(**fields: str) -> IncomingSubmission:
    return IncomingSubmission(id=note().id, form="note", fields=list(fields.items()))


def variables_of(error: BaseException | None) -> Iterator[str]:
    """What an error reporter would find in the frames, down the chain."""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            yield from (f"{name}={value!r}" for name, value in frame.f_locals.items())
        error = error.__cause__ or error.__context__


# Through the ingestion, on the database of the run


CANARIES = ("Oriole", "finch", "plover@nest", "NIGHTJAR", "Kittiwake")
# Not where they are raised: a traceback shows the lines of the source.
TITLE = "Oriole"
SLUG = "oriole-nightjar"
LAMENT = "no place for Oriole, FINCH and plover@nest.example in Kittiwake.txt"
NOTE = "It was about a nightjar."
SENDER = "Wheatear <wheatear@moor.example>"


def canaries(**more: Any) -> IncomingSubmission:
    return note(
        "Oriole",
        body="a finch, plover@nest.example; NIGHTJAR",
        files=[file(b"1", name="Kittiwake.txt")],
        **more,
    )


def assert_told_and_kept(log: pytest.LogCaptureFixture, submission: IncomingSubmission, kind: str) -> str:
    """Who, what and where is in the log; what was written is neither there nor in the frames."""
    failures = [record for record in log.records if record.exc_info]
    assert failures
    for record in failures:
        assert record.name == "offlinesync"
        assert record.exc_info[0].__name__ == kind
        assert record.exc_info[2] is not None
    assert any(str(submission.id) in record.getMessage() for record in failures)
    assert any("'note'" in record.getMessage() for record in failures)
    assert f"{kind}:" in log.text or f"{kind}\n" in log.text
    assert re.search(r'File ".*offline\.py", line \d+, in save', log.text)
    found = log.text + "\n".join(line for record in failures for line in variables_of(record.exc_info[1]))
    for canary in CANARIES:
        assert canary.lower() not in found.lower()
    return log.text


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 2])
def test_c7_a_bug_that_quotes_what_was_written(log: pytest.LogCaptureFixture, behaviours: dict, size: int) -> None:
    def fail() -> None:
        try:
            {}[TITLE]
        except KeyError as error:
            failure = RuntimeError(LAMENT)
            failure.add_note(NOTE)
            raise failure from error

    behaviours["quote"] = fail
    bad = canaries(behaviour="save: quote")
    receipts = send(bad, *[note("good")] * (size - 1))
    assert [receipt.code for receipt in receipts] == ["handler_error", None][:size]
    text = assert_told_and_kept(log, bad, "RuntimeError")
    assert f"KeyError: '{MASK}'" in text
    assert "no place for" in text
    assert "It was about" in text


@pytest.mark.django_db
def test_c7_an_integrity_error_of_the_database(log: pytest.LogCaptureFixture, behaviours: dict) -> None:
    """PostgreSQL tells the key and MariaDB the entry."""
    Note.objects.create(title="rival", slug="oriole-nightjar")
    behaviours["collide"] = lambda: Note.objects.create(title="second", slug=SLUG)
    bad = canaries(behaviour="save: collide")
    assert [receipt.code for receipt in send(bad)] == ["handler_error"]
    text = assert_told_and_kept(log, bad, "IntegrityError")
    # What a developer needs to find the constraint.
    assert "slug" in text


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite holds whatever it is given")
def test_c7_a_data_error_of_the_database(log: pytest.LogCaptureFixture, behaviours: dict) -> None:
    """In a batch it is what makes it go one by one."""

    def overflow() -> None:
        cast = {"postgresql": "CAST(%s AS integer)", "mysql": "%s"}[connection.vendor]
        with connection.cursor() as cursor:
            table = Note._meta.db_table
            cursor.execute(f"UPDATE {table} SET day = NULL, id = id + {cast} - {cast}", [TITLE, TITLE])

    behaviours["overflow"] = overflow
    bad = note("Oriole", body="finch", behaviour="save: overflow")
    receipts = send(bad, note("good"))
    assert [receipt.code for receipt in receipts] == ["invalid", None]
    assert "DataError" in log.text or "OperationalError" in log.text
    for canary in CANARIES:
        assert canary.lower() not in log.text.lower()


@pytest.mark.django_db
def test_c7_a_value_that_is_too_long(log: pytest.LogCaptureFixture, behaviours: dict) -> None:
    def overflow() -> None:
        if connection.vendor == "sqlite":
            raise DataError(1406, f"Data too long: '{TITLE}'")
        Note.objects.create(title=TITLE * 20)

    behaviours["overflow"] = overflow
    bad = canaries(behaviour="save: overflow")
    bad.files = []
    assert [receipt.code for receipt in send(bad, note("good"))] == ["invalid", None]
    assert "DataError" in log.text
    assert "oriole" not in log.text.lower()


@pytest.mark.django_db(transaction=True)
def test_c7_c9_a_hook_that_quotes_what_was_written(log: pytest.LogCaptureFixture, behaviours: dict) -> None:
    def fail() -> None:
        raise LookupError(f"nobody reads {TITLE}")

    behaviours["hook"] = lambda: transaction.on_commit(fail)
    assert [receipt.status for receipt in send(canaries(behaviour="save: hook"))] == ["accepted"]
    assert f"LookupError: nobody reads {MASK}" in log.text
    assert "oriole" not in log.text.lower()


@pytest.mark.django_db
def test_c7_who_has_sent_it_is_no_word_for_the_log(
    log: pytest.LogCaptureFixture, behaviours: dict, django_user_model: type[User]
) -> None:
    def fail() -> None:
        raise RuntimeError(SENDER)

    behaviours["name"] = fail
    user = django_user_model.objects.create(
        username="wheatear", email="wheatear@moor.example", first_name="W.", last_name="Wheatear"
    )
    send(note("a", behaviour="save: name"), user=user)
    assert "RuntimeError" in log.text
    assert "wheatear" not in log.text.lower()
    assert "moor" not in log.text


# How it may be spelt


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("Jane.Doe@Example.org", "no account for jane.doe@example.org"),
        ("Jane Doe", "slug jane-doe is taken"),
        ("Jane Doe", "directory janedoe1990 is there"),
        ("Jane Doe", "user JANE"),
        ("Jürgen Müßig", "jurgen mussig"),
        ("Jürgen", "'J\\xfcrgen'"),
        ("Jürgen", "'J\\u00fcrgen'"),
        ("02/01/1990", "datetime.date(1990, 1, 2)"),
        ("02/01/1990", "1990-01-02"),
        ("0176 1234567", "+491761234567"),
        ("1761234567", "tel:176-123-45-67"),
        ("1,234.50", "Decimal('1234.50')"),
        ("DE89370400440532013000", "DE89 3704 0044 0532 0130 00"),
        ("hunter22", "'hunter22'"),
        ("7", "no room 7"),
    ],
)
def test_c7_a_value_is_masked_however_it_is_spelt(value: str, message: str) -> None:
    text = logged(ValueError(f"before: {message} :after"), written(field=value))
    assert text.startswith("ValueError: before: ")
    assert text.endswith(" :after\n")
    plain = re.sub(r"\W", "", text.lower())
    for piece in re.findall(r"\w+", message.lower()):
        if len(piece) > 2 and piece not in {"account", "for", "slug", "taken", "directory", "there", "user", "room"}:
            assert piece in {"datetime", "date", "decimal", "tel", "doe"} or piece not in plain, text


def test_c7_values_of_data_and_of_the_rest_are_masked() -> None:
    submission = note(data={"a": [{"b": "redwing"}, 4711, None, True]}, target="/dunlin/", base_version="knot-3")
    text = logged(ValueError("redwing 4711 at dunlin knot, True or None"), submission)
    assert text == f"ValueError: {MASK} {MASK} at {MASK} {MASK}, True or None\n"


def test_c7_what_is_no_value_stays() -> None:
    text = logged(AttributeError("'NoneType' object has no attribute 'pk'"), written(title="Jane", body="Doe"))
    assert text == "AttributeError: 'NoneType' object has no attribute 'pk'\n"


# What an exception may be like


class Odd(Exception):
    """Says more than its arguments, and is not made without them."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__()
        self.first, self.second = first, second

    def __str__(self) -> str:
        return f"{self.first} and {self.second}"


class Speechless(Exception):
    """Cannot be read."""

    def __str__(self) -> str:
        raise RuntimeError("Jane")


def raise_at(place: str, failure: BaseException) -> None:
    try:
        raise failure
    except Exception as error:
        if place == "cause":
            raise RuntimeError("outer") from error
        if place == "context":
            raise RuntimeError("outer")  # noqa: B904
        if place == "hidden context":
            raise RuntimeError("outer") from None
        if place == "note":
            error.add_note("a note of Jane's")
        raise


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Odd("Jane", "x"), "Odd"),
        (lambda: Speechless("Jane"), "Speechless"),
        (lambda: ValidationError({"field": ["%(value)s Jane"]}, params={"value": "Jane"}), "ValidationError"),
        (lambda: UnicodeEncodeError("ascii", "Jane", 0, 1, "Jane"), "UnicodeEncodeError"),
        (lambda: OSError(2, "no file", "Jane"), "FileNotFoundError"),
        (lambda: SyntaxError("bad", ("file", 1, 1, "Jane")), "SyntaxError"),
        (lambda: KeyError("Jane"), "KeyError"),
        (lambda: IntegrityError("x\nDETAIL:  Key (email)=(jane@example.org) already exists."), "IntegrityError"),
        (lambda: IntegrityError(1062, "Duplicate entry 'O'Leary-Jane' for key 'email'"), "IntegrityError"),
        (lambda: DataError('invalid input syntax for type integer: "J4ne"'), "DataError"),
        (lambda: ExceptionGroup("Jane", [KeyError("Jane"), ExceptionGroup("x", [ValueError("Jane")])]), "Group"),
        (lambda: ValueError("Jane\n" * 10_000), "ValueError"),
        (lambda: ValueError(), "ValueError"),
    ],
)
@pytest.mark.parametrize("place", ["itself", "cause", "context", "hidden context", "note"])
def test_c7_every_exception_of_a_chain_is_masked(make: Callable[[], BaseException], name: str, place: str) -> None:
    submission = written(field="Jane", code="J4ne", family="O'Leary")
    with pytest.raises(Exception) as caught:  # noqa: PT011
        raise_at(place, make())
    text = logged(caught.value, submission)
    assert not re.search("jane|j4ne|leary", text, re.IGNORECASE), text
    assert ("outer" in text) == (place not in ("itself", "note"))
    assert (name in text) == (place != "hidden context")
    assert len(text) < 10_000


def test_c7_names_of_the_schema_stay_in_a_databases_words() -> None:
    submission = written(title="note", email="x@y")
    for error, expected in [
        (IntegrityError("UNIQUE constraint failed: app_note.slug"), "UNIQUE constraint failed: app_note.slug"),
        (
            IntegrityError(1062, "Duplicate entry 'x@y' for key 'note_slug'"),
            f"1062 Duplicate entry {MASK} for key 'note_slug'",
        ),
        (
            IntegrityError('duplicate key value violates unique constraint "note_slug"\nDETAIL:  Key (a)=(b).'),
            'duplicate key value violates unique constraint "note_slug"',
        ),
    ]:
        assert logged(error, submission) == f"django.db.utils.IntegrityError: {expected}\n"


def test_c7_a_chain_in_a_circle_comes_to_an_end() -> None:
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__cause__ = second, first
    assert "first" in logged(first)


def test_c7_a_long_chain_is_cut() -> None:
    error = ValueError("0")
    for number in range(1000):
        following = ValueError(str(number))
        following.__cause__ = error
        error = following
    assert logged(error).count("ValueError") < 50


def test_c7_a_line_of_the_log_cannot_be_forged() -> None:
    text = logged(ValueError("x\\x0d\\x1b[2Jy\r\x00z"), written(a="b"))
    assert not re.search(r"[\r\x00\x1b]", text)


def test_c7_a_representation_shows_nothing() -> None:
    """Error reporters show the variables of every frame."""
    shown = repr(canaries())
    assert not any(canary in shown for canary in CANARIES)


def test_a_large_submission_is_masked_in_good_time() -> None:
    submission = IncomingSubmission(
        id=note().id, form="note", fields=[(f"f{n}", f"word{n} " * 50) for n in range(1000)]
    )
    text = logged(ValueError("something about word999 and " + "x" * 100_000), submission)
    assert "word999" not in text
    assert f"something about {MASK} and " in text
