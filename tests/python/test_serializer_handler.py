"""Handlers of serializers."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.http import QueryDict
from rest_framework import serializers
from rest_framework.permissions import AllowAny

import offlinesync
from offlinesync import registry
from offlinesync.submissions import IncomingSubmission

from .sampleapp.factories import file, note, send, uuid7
from .sampleapp.models import Note


class NoteSerializer(serializers.ModelSerializer):
    """A note that says who has written it."""

    by = serializers.HiddenField(default=serializers.CurrentUserDefault())

    class Meta:
        model = Note
        fields = ["title", "slug", "attachment", "by"]

    def create(self, validated: dict[str, Any]) -> Note:
        validated["title"] += f" by {validated.pop('by')}"
        return super().create(validated)


class NoteHandler(offlinesync.SerializerHandler):
    permission_classes = [AllowAny]
    serializer_class = NoteSerializer
    success_url = "/notes/{title}/"


class LineSerializer(serializers.Serializer):
    title = serializers.CharField(max_length=5)


class OrderSerializer(serializers.Serializer):
    lines = LineSerializer(many=True, allow_empty=False)

    def create(self, validated: dict[str, Any]) -> list[Note]:
        return [Note.objects.create(**line) for line in validated["lines"]]


class OrderHandler(offlinesync.SerializerHandler):
    permission_classes = [AllowAny]
    serializer_class = OrderSerializer


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_classes", {"note": NoteHandler, "order": OrderHandler})


@pytest.mark.django_db
@pytest.mark.parametrize("form", [{"fields": [("title", "A")]}, {"data": {"title": "A"}}])
def test_a_serializer_takes_fields_or_data_and_files_with_both(form: dict[str, Any]) -> None:
    receipt = send(IncomingSubmission(id=uuid7(), form="note", files=[file(b"content")], **form))
    saved = Note.objects.get()
    assert (saved.title, saved.attachment.read()) == ("A by AnonymousUser", b"content")
    assert receipt.result == {"key": str(saved.pk), "url": "/notes/A by AnonymousUser/"}


@pytest.mark.django_db
@pytest.mark.parametrize("form", [{"fields": [("title", "A")]}, {"data": {"title": "A"}}])
def test_a_serializer_s_request_is_one_of_rest_framework(form: dict[str, Any], django_user_model: type[User]) -> None:
    submission = IncomingSubmission(id=uuid7(), form="note", target="/notes/new/?kind=b", files=[file(b"1")], **form)
    submission.user = django_user_model(pk=7)
    request = NoteHandler("note").get_serializer_context(submission)["request"]
    assert request.query_params == QueryDict("kind=b")
    assert request.data["title"] == "A"
    assert (request.auth, request.user.pk) == (None, 7)


@pytest.mark.django_db
def test_nested_data_is_saved_and_its_errors_have_names() -> None:
    data = {"lines": [{"title": "One"}, {"title": "Two"}]}
    assert send(IncomingSubmission(id=uuid7(), form="order", data=data)).result == {}
    assert Note.objects.count() == 2
    data["lines"][1]["title"] = "too long"
    receipt = send(IncomingSubmission(id=uuid7(), form="order", data=data))
    assert {name: errors[0]["code"] for name, errors in receipt.errors.items()} == {"lines.1.title": "max_length"}


@pytest.mark.django_db
def test_nested_fields_of_a_form_are_named_as_rest_framework_names_them() -> None:
    fields = [("lines[0]title", "A"), ("lines[1]title", "B")]
    assert send(IncomingSubmission(id=uuid7(), form="order", fields=fields)).status == "accepted"
    assert Note.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("data", [{}, {"title": None}, {"title": []}, {"title": {"a": 1}}, {"title": True}])
def test_data_of_another_shape_is_refused_in_words(data: dict[str, Any]) -> None:
    receipt = send(IncomingSubmission(id=uuid7(), form="note", data=data))
    assert (receipt.status, receipt.code, list(receipt.errors)) == ("rejected", "invalid", ["title"])


def test_a_handler_without_a_serializer_says_so() -> None:
    with pytest.raises(ImproperlyConfigured, match="set serializer_class"):
        offlinesync.SerializerHandler("x").get_serializer_class(note())
