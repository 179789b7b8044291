"""A submission is read and answered in the language and time zone of its page (row C11)."""

from datetime import UTC, date

import pytest
from django.db import transaction
from django.utils.translation import get_language

from .ingesting import outcomes, send
from .sampleapp import offline
from .sampleapp.factories import note
from .sampleapp.models import Note

pytestmark = pytest.mark.django_db


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
