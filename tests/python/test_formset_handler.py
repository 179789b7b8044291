"""Handlers of formsets."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ImproperlyConfigured
from django.forms import formset_factory, inlineformset_factory, modelformset_factory
from django.shortcuts import get_object_or_404
from rest_framework.permissions import AllowAny

import offlinesync
from offlinesync import registry
from offlinesync.submissions import IncomingSubmission

from .sampleapp.factories import file, note, send, uuid7
from .sampleapp.forms import ContactForm
from .sampleapp.models import Note


class NotesHandler(offlinesync.FormSetHandler):
    """Several notes at once."""

    permission_classes = [AllowAny]
    formset_class = modelformset_factory(Note, fields=["title", "attachment"], extra=2)
    success_url = "/notes/"

    def get_formset_kwargs(self, submission: IncomingSubmission) -> dict[str, Any]:
        return {**super().get_formset_kwargs(submission), "queryset": Note.objects.none()}


class GroupsHandler(offlinesync.FormSetHandler):
    """The groups of a user: rows that belong to an object."""

    permission_classes = [AllowAny]
    formset_class = inlineformset_factory(User, User.groups.through, fields=["group"], extra=2)

    def get_object(self, submission: IncomingSubmission) -> User:
        return get_object_or_404(User, username=submission.target)


def rows(prefix: str, *values: dict[str, str], **management: str) -> dict[str, str]:
    """What the page with a formset posts."""
    counts = {"TOTAL_FORMS": str(len(values)), "INITIAL_FORMS": "0", **management}
    fields = {f"{prefix}-{name}": count for name, count in counts.items()}
    return fields | {f"{prefix}-{i}-{name}": text for i, row in enumerate(values) for name, text in row.items()}


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_classes", {"notes": NotesHandler, "groups": GroupsHandler})


@pytest.mark.django_db
def test_a_formset_is_saved_with_its_files() -> None:
    posted = rows("form", {"title": "One"}, {"title": "Two"})
    receipt = send(
        IncomingSubmission(
            id=uuid7(), form="notes", fields=list(posted.items()), files=[file(b"two", field="form-1-attachment")]
        )
    )
    assert (receipt.status, receipt.result) == ("accepted", {"url": "/notes/"})
    assert list(Note.objects.order_by("title").values_list("title", flat=True)) == ["One", "Two"]
    assert Note.objects.get(title="Two").attachment.read() == b"two"


@pytest.mark.django_db
def test_a_formset_s_errors_stand_at_their_rows() -> None:
    posted = rows("form", {"title": "One"}, {"title": "x" * 41})
    receipt = send(IncomingSubmission(id=uuid7(), form="notes", fields=list(posted.items())))
    assert {name: errors[0]["code"] for name, errors in receipt.errors.items()} == {"form-1-title": "max_length"}
    assert not Note.objects.exists()


@pytest.mark.django_db
def test_a_formset_without_its_management_form_is_refused() -> None:
    receipt = send(IncomingSubmission(id=uuid7(), form="notes", fields=[("form-0-title", "One")]))
    assert [error["code"] for error in receipt.errors["__all__"]] == ["missing_management_form"]


@pytest.mark.django_db
def test_inline_rows_belong_to_the_object_of_the_submission() -> None:
    user = User.objects.create(username="anna")
    group = Group.objects.create(name="editors")
    prefix = "User_groups"
    fields = list(rows(prefix, {"group": str(group.pk), "user": str(user.pk)}).items())
    receipt = send(IncomingSubmission(id=uuid7(), form="groups", fields=fields, target="anna"))
    assert (receipt.status, receipt.result) == ("accepted", {"key": str(user.pk)})
    assert list(user.groups.all()) == [group]
    assert send(IncomingSubmission(id=uuid7(), form="groups", fields=fields, target="?")).code == "invalid"


@pytest.mark.parametrize(
    ("call", "remedy"), [("get_formset_class", "set formset_class"), ("get_object", "write get_object")]
)
def test_what_a_handler_lacks_is_said(call: str, remedy: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=remedy):
        getattr(offlinesync.FormSetHandler("x"), call)(note())


def test_a_formset_that_cannot_save_says_so() -> None:
    formset = formset_factory(ContactForm)()
    with pytest.raises(ImproperlyConfigured, match="FormSetHandler.save"):
        offlinesync.FormSetHandler("x").save(formset, note())
