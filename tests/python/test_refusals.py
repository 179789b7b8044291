"""What is refused before any handler runs, and how other people's exceptions read."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import get_language, override
from rest_framework import exceptions as drf
from rest_framework import serializers

from offlinesync import refusals
from offlinesync.ingestion import ingest
from offlinesync.refusals import RETRY_AFTER, deferred, refusal_by, refusal_without_database
from offlinesync.submissions import IncomingSubmission

from .sampleapp import offline
from .sampleapp.factories import file, note


def with_fields(*fields: tuple[str, str]) -> IncomingSubmission:
    submission = note()
    submission.fields = list(fields)
    return submission


@pytest.mark.parametrize("poison", ["\0", "a\0b", "\ud83d", "\udc00a"])
@pytest.mark.parametrize(
    ("place", "field"),
    [
        (lambda text: with_fields(("title", text)), "title"),
        (lambda text: with_fields(("a", "fine"), ("not in the form", text)), "not in the form"),
        (lambda text: with_fields((text, "value")), "__all__"),
        (lambda text: note(files=[file(name=text)]), "attachment"),
        (lambda text: note(files=[file(type=text)]), "attachment"),
        (lambda text: note(files=[file(field=text)]), "__all__"),
        (lambda text: note(data={"a": {"b": ["fine", {"c": text}]}}), "a"),
        (lambda text: note(data={"a": {"b": {text: 1}}}), "a"),
        (lambda text: note(data={text: 1}), "__all__"),
        (lambda text: note(target=text), "__all__"),
        (lambda text: note(group=text), "__all__"),
        (lambda text: note(base_version=text), "__all__"),
    ],
)
def test_poison_is_refused_with_an_error_for_its_field(poison: str, place: Any, field: str) -> None:
    receipt = refusal_without_database(place(poison))
    assert (receipt.status, receipt.code) == ("rejected", "invalid")
    assert list(receipt.errors) == [field]
    str(receipt.as_json()).encode()


@pytest.mark.django_db
def test_b9_poison_does_not_reach_the_database_nor_the_others() -> None:
    receipts = ingest([note("a"), note("b\0"), note("c")], user=AnonymousUser())
    assert [receipt.status for receipt in receipts] == ["accepted", "rejected", "accepted"]


@pytest.mark.parametrize("text", ["🚂", "\x01\x1f", "\uffff", "\r\n", "\u202e"])
def test_what_can_be_stored_is_not_refused(text: str) -> None:
    assert refusal_without_database(with_fields(("title", text))) is None


def test_data_may_be_nested_as_deep_as_the_parser_lets_it() -> None:
    data: dict = {}
    for _ in range(100_000):
        data = {"a": data}
    assert refusal_without_database(note(data=data)) is None


@pytest.mark.parametrize("name", ["", ".", "..", "a/", "../.."])
def test_a_file_name_that_django_refuses_is_no_bug_of_the_handler(name: str) -> None:
    receipt = refusal_without_database(note(files=[file(name=name)]))
    assert (receipt.code, list(receipt.errors)) == ("invalid", ["attachment"])


@pytest.mark.django_db
def test_a_path_in_a_file_name_is_left_out() -> None:
    submission = note(files=[file(b"abc", name="../../etc/passwd")])
    assert ingest([submission], user=AnonymousUser())[0].status == "accepted"
    assert submission.files_dict["attachment"].name == "passwd"


def test_c8_djangos_limits_hold_for_each_submission(settings: object) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 1
    fields = [("a", "1"), ("b", "2"), ("c", "3")]
    assert refusal_without_database(with_fields(*fields[:2])) is None
    assert refusal_without_database(with_fields(*fields)).code == "too_large"
    assert refusal_without_database(note(files=[file()])) is None
    receipt = refusal_without_database(note(files=[file(), file()]))
    assert (receipt.status, receipt.code) == ("rejected", "too_large")
    assert "fields or files" in receipt.errors["__all__"][0]["message"]


def test_c8_a_site_may_switch_djangos_limits_off(settings: object) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = settings.DATA_UPLOAD_MAX_NUMBER_FILES = None
    assert refusal_without_database(with_fields(*[("a", "1")] * 2000)) is None
    assert refusal_without_database(note(files=[file()] * 200)) is None


def test_c10_a_form_that_is_not_registered_is_said_so() -> None:
    receipt = refusal_without_database(note(form="gone"))
    assert receipt.as_json() == {"id": str(receipt.id), "status": "rejected", "code": "unknown_form"}


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 2])
def test_c7_a_handler_that_cannot_even_be_made_is_a_bug_of_its_own(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    def fail(self: object, name: str) -> None:
        raise RuntimeError("a bug in __init__")

    monkeypatch.setattr(offline.PrefixedNoteHandler, "__init__", fail)
    receipts = ingest([note(form="prefixed note"), *[note()] * (size - 1)], user=AnonymousUser())
    assert [receipt.code or receipt.status for receipt in receipts] == ["handler_error", "accepted"][:size]


@pytest.mark.parametrize("code", sorted(RETRY_AFTER))
def test_b12_those_put_off_together_do_not_come_back_together(code: str) -> None:
    pauses = {deferred(note(), code).retry_after for _ in range(200)}
    assert len(pauses) > 1
    assert RETRY_AFTER[code] <= min(pauses)
    assert max(pauses) <= 2 * RETRY_AFTER[code]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PermissionDenied(), "forbidden"),
        (drf.PermissionDenied(), "forbidden"),
        (drf.NotAuthenticated(), "forbidden"),
        (Http404(), "invalid"),
        (drf.NotFound(), "invalid"),
    ],
)
def test_what_views_raise_is_a_refusal(error: Exception, code: str) -> None:
    assert refusal_by(error).code == code


@pytest.mark.parametrize("error", [RuntimeError(), KeyError("a"), drf.APIException()])
def test_anything_else_is_a_bug(error: Exception) -> None:
    assert refusal_by(error) is None


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ("No.", {"__all__": ["No."]}),
        (["No.", "Never."], {"__all__": ["No.", "Never."]}),
        ({"title": ["No."], "non_field_errors": ["Never."]}, {"title": ["No."], "__all__": ["Never."]}),
        ({"author": {"name": ["No."], "non_field_errors": ["Who?"]}}, {"author.name": ["No."], "author": ["Who?"]}),
        ({"lines": [{}, {"count": ["No."]}]}, {"lines.1.count": ["No."]}),
    ],
)
def test_errors_of_serializers_are_flattened(detail: Any, expected: dict) -> None:
    errors = refusal_by(drf.ValidationError(detail)).errors
    assert {name: [item["message"] for item in items] for name, items in errors.items() if items} == expected
    assert all(item["code"] == "invalid" for items in errors.values() for item in items)


class Message(serializers.Serializer):
    message = serializers.CharField()
    code = serializers.CharField()


class Chat(serializers.Serializer):
    messages = Message(many=True)

    def validate(self, attrs: dict) -> dict:
        raise drf.ValidationError("Nobody is there.")


def refusal_of(data: dict) -> dict:
    with pytest.raises(drf.ValidationError) as raised:
        Chat(data=data).is_valid(raise_exception=True)
    return refusal_by(raised.value).errors


def test_fields_named_as_the_parts_of_an_error_are_no_errors() -> None:
    """Django REST framework 3.17 gives the errors of many as a list, where 3.18 gives them by their place."""
    good, bad = {"message": "Hello", "code": "x"}, {"message": "", "code": ""}
    for items, names in (
        ([bad], ["messages.0.message", "messages.0.code"]),
        ([good, bad], ["messages.1.message", "messages.1.code"]),
        ([{"message": ""}, good], ["messages.0.message", "messages.0.code"]),
    ):
        assert [name for name, errors in refusal_of({"messages": items}).items() if errors] == names


@pytest.mark.parametrize("key", ["non_field_errors", "form_errors"])
def test_errors_of_no_field_are_known_under_the_name_the_site_gives_them(settings: object, key: str) -> None:
    settings.REST_FRAMEWORK = {"NON_FIELD_ERRORS_KEY": key}
    assert list(refusal_of({"messages": []})) == ["__all__"]


def test_c11_a_refusal_speaks_the_language_of_the_page(settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    monkeypatch.setattr(refusals, "_", lambda text: f"{get_language()}: {text}")
    with override("fr"):
        (error,) = refusal_without_database(note("a\0", language="de")).errors["title"]
    assert error["message"].startswith("de: This contains")


def test_errors_of_a_serializer_may_be_single_ones() -> None:
    refused = refusal_by(drf.ValidationError({"detail": "Closed.", "title": {"why": "Taken."}}))
    texts = {name: [error["message"] for error in errors] for name, errors in refused.errors.items()}
    assert texts["__all__"] == ["Closed."]
    assert texts["title.why"] == ["Taken."]
