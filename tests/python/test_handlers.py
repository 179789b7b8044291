"""What a site's handlers inherit."""

import json
from enum import Enum
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.dispatch import Signal
from django.forms import formset_factory, inlineformset_factory, modelformset_factory
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy, override
from rest_framework.permissions import DjangoModelPermissions, IsAdminUser, IsAuthenticated
from rest_framework.serializers import ModelSerializer, Serializer

import offlinesync
from offlinesync.handlers import error_dict
from offlinesync.ingestion import ingest

from .sampleapp.factories import file, note
from .sampleapp.forms import ContactForm, NoteForm
from .sampleapp.models import Note
from .sampleapp.offline import NoteHandler


def handler_with(**attributes: Any) -> NoteHandler:
    return type("SomeHandler", (NoteHandler,), attributes)("some")


# What visitors call it


class OfNothing(offlinesync.FormHandler):
    form_class = ContactForm


class OfANote(offlinesync.FormHandler):
    form_class = NoteForm


class OfRows(offlinesync.FormSetHandler):
    formset_class = formset_factory(ContactForm)


class OfNotes(offlinesync.FormSetHandler):
    formset_class = modelformset_factory(Note, fields=["title"])


class OfAPerson(offlinesync.FormSetHandler):
    formset_class = inlineformset_factory(User, LogEntry, fields=["object_id"])


class NoteSerializer(ModelSerializer):
    class Meta:
        model = Note
        fields = ["title"]


class OfASerializer(offlinesync.SerializerHandler):
    serializer_class = NoteSerializer


class OfAScript(offlinesync.SerializerHandler):
    serializer_class = Serializer


CALLED = {
    OfNothing: "Contact us",
    OfANote: "Note",
    OfRows: "Contact us",
    OfNotes: "Note",
    OfAPerson: "User",
    OfASerializer: "Note",
    OfAScript: "Contact us",
}


@pytest.mark.parametrize("handler_class", list(CALLED))
def test_a_form_is_called_what_its_model_is_and_else_by_its_name(handler_class: type[offlinesync.Handler]) -> None:
    assert handler_class("contact-us").get_label() == CALLED[handler_class]


def test_a_handler_says_what_its_form_is_called_in_the_language_of_the_page() -> None:
    handler = handler_with(label=gettext_lazy("Yes"))
    with override("de"):
        assert handler.get_label() == "Ja"


# Permission


def test_handlers_need_a_signed_in_user_unless_they_say_otherwise() -> None:
    handler = offlinesync.Handler("x")
    submission = note()
    assert not handler.has_permission(submission)
    submission.user = User(pk=1)
    assert handler.has_permission(submission)


@pytest.mark.django_db
@pytest.mark.parametrize(("form", "code"), [("private note", "forbidden"), ("note", None)])
def test_an_anonymous_visitor_is_refused_where_nothing_else_is_said(form: str, code: str | None) -> None:
    (receipt,) = ingest([note(form=form)], user=AnonymousUser())
    assert receipt.code == code


@pytest.mark.django_db
def test_permission_classes_of_rest_framework_take_a_submission(django_user_model: type[User]) -> None:
    permitted = django_user_model.objects.create(username="permitted")
    other = django_user_model.objects.create(username="other")
    codes = [ingest([note(form="guarded note")], user=user)[0].code for user in (permitted, other)]
    assert codes == [None, "forbidden"]


@pytest.mark.django_db
def test_model_permissions_and_combined_permissions_work(django_user_model: type[User]) -> None:
    handler = handler_with(queryset=Note.objects.all(), permission_classes=[DjangoModelPermissions & ~IsAdminUser])
    submission = note()
    submission.user = django_user_model.objects.create(username="u")
    assert not handler.has_permission(submission)
    submission.user.user_permissions.add(Permission.objects.get(codename="add_note"))
    submission.user = django_user_model.objects.get()
    assert handler.has_permission(submission)


def test_all_permission_classes_have_to_agree() -> None:
    submission = note()
    submission.user = User(pk=1)
    assert not handler_with(permission_classes=[IsAuthenticated, IsAdminUser]).has_permission(submission)


# Refusals


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ("No.", {"__all__": [{"message": "No.", "code": ""}]}),
        (["No.", "Never."], {"__all__": [{"message": "No.", "code": ""}, {"message": "Never.", "code": ""}]}),
        (
            {"a": "No.", "b": [ValidationError("Not %(n)s.", code="n", params={"n": 3})]},
            {"a": [{"message": "No.", "code": ""}], "b": [{"message": "Not 3.", "code": "n"}]},
        ),
        (ValidationError("No.", code="n"), {"__all__": [{"message": "No.", "code": "n"}]}),
    ],
)
def test_rejected_takes_what_a_validation_error_takes(errors: Any, expected: dict) -> None:
    assert offlinesync.Rejected(errors).as_error_dict() == expected


class Colour(Enum):
    RED = 1


@pytest.mark.parametrize("code", [Colour.RED, 7, gettext_lazy("red")])
def test_c6_a_code_that_is_no_text_can_be_sent_all_the_same(code: Any) -> None:
    """A receipt that cannot be written would take those of the whole batch with it."""
    ((name, (error,)),) = error_dict(ValidationError({1: ValidationError("No.", code=code)})).items()
    assert json.loads(json.dumps({name: error})) == {"1": {"message": "No.", "code": str(code)}}


@pytest.mark.parametrize("errors", [{}, []])
def test_a_refusal_without_a_word_is_still_one(errors: Any) -> None:
    """As of a form whose own is_valid() says no."""
    assert not any(offlinesync.Rejected(errors).as_error_dict().values())
    assert not any(error_dict(ValidationError(errors)).values())


def test_rejected_speaks_the_active_language() -> None:
    rejected = offlinesync.Rejected(gettext_lazy("This field is required."))
    with override("de"):
        (error,) = rejected.as_error_dict()["__all__"]
    assert error["message"] == "Dieses Feld ist zwingend erforderlich."
    assert type(error["message"]) is str


def test_rejected_knows_the_codes_of_the_protocol() -> None:
    with pytest.raises(ValueError, match="invalid, forbidden, too_large"):
        offlinesync.Rejected("No.", code="closed")


# Forms


@pytest.mark.django_db
def test_form_errors_are_djangos_own() -> None:
    (receipt,) = ingest([note("x" * 41, day="soon")], user=AnonymousUser())
    assert receipt.errors == {
        "title": [
            {"message": "Ensure this value has at most 40 characters (it has 41).", "code": "max_length"},
        ],
        "day": [{"message": "Enter a valid date.", "code": "invalid"}],
    }


@pytest.mark.django_db
def test_errors_are_named_as_the_fields_in_the_page() -> None:
    submission = note(form="prefixed note")
    submission.fields = [("mine-title", ""), ("mine-slug", "a b")]
    (receipt,) = ingest([submission], user=AnonymousUser())
    assert sorted(receipt.errors) == ["mine-slug", "mine-title"]


@pytest.mark.django_db
def test_the_form_gets_data_files_and_initial() -> None:
    submission = note(files=[file(b"abc")])
    handler = handler_with(initial={"body": "start"})
    form = handler.get_form(submission)
    assert form.data["title"] == "A note"
    assert form.files["attachment"].read() == b"abc"
    assert form.initial["body"] == "start"
    assert handler.initial == {"body": "start"}
    handler.get_initial(submission)["body"] = "changed"
    assert handler.initial == {"body": "start"}


def test_a_handler_without_form_class_says_what_to_do() -> None:
    with pytest.raises(ImproperlyConfigured, match="set form_class"):
        offlinesync.FormHandler("x").get_form(note())


@pytest.mark.django_db
def test_a_form_without_save_says_what_to_do() -> None:
    class ContactHandler(offlinesync.FormHandler):
        form_class = ContactForm

    handler = ContactHandler("contact")
    submission = note()
    submission.fields = [("text", "Hello")]
    with pytest.raises(ImproperlyConfigured, match="ContactForm has no save"):
        handler.save(handler.validate(submission), submission)


# Results


class Linked:
    pk = "7"

    def get_absolute_url(self) -> str:
        return "/linked/7/"


@pytest.mark.parametrize(
    ("attributes", "saved", "result"),
    [
        ({"success_url": "/notes/{slug}/"}, Note(pk=3, slug="s"), {"url": "/notes/s/", "key": "3"}),
        ({"success_url": reverse_lazy("admin:index")}, Note(pk=3), {"url": "/admin/", "key": "3"}),
        ({"success_url": "/thanks/"}, None, {"url": "/thanks/"}),
        ({"success_url": None}, Linked(), {"url": "/linked/7/", "key": "7"}),
        ({"success_url": None}, None, {}),
    ],
)
def test_the_result_is_where_the_plain_view_would_have_gone(
    attributes: dict, saved: object, result: dict, settings: object
) -> None:
    settings.ROOT_URLCONF = "tests.python.sampleapp.urls"
    assert handler_with(**attributes).get_result(saved, note()) == result


@pytest.mark.django_db
def test_a_handler_may_take_data_and_a_serializer() -> None:
    good = note(form="note as data", data={"title": "From a script", "slug": "s"})
    bad = note(form="note as data", data={"slug": "not a slug"})
    accepted, rejected = ingest([good, bad], user=AnonymousUser())
    assert accepted.result == {"key": Note.objects.get().pk}
    assert rejected.code == "invalid"
    assert {name: errors[0]["code"] for name, errors in rejected.errors.items()} == {
        "title": "required",
        "slug": "invalid",
    }


@pytest.mark.parametrize("method", ["validate", "save"])
def test_a_handler_that_leaves_out_a_step_says_so(method: str) -> None:
    handler = offlinesync.Handler("x")
    with pytest.raises(NotImplementedError, match=f"must define {method}"):
        handler.validate(note()) if method == "validate" else handler.save(None, note())


def test_the_public_names_are_there_and_nothing_else_is_promised() -> None:
    handlers = ["FormHandler", "FormSetHandler", "Handler", "Rejected", "SerializerHandler", "ViewHandler"]
    classes = [*handlers, "offline_view", "register"]
    signals = ["submission_accepted", "submission_rejected"]
    assert sorted(offlinesync.__all__) == classes + signals
    assert set(offlinesync.__all__) <= set(dir(offlinesync))
    for name in classes:
        assert getattr(offlinesync, name).__module__.startswith("offlinesync.")
    for name in signals:
        assert isinstance(getattr(offlinesync, name), Signal)
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        offlinesync.Nonsense  # noqa: B018
