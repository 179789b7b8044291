"""The handlers of the tests. The field ``behaviour`` of a note says what goes wrong with it."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DataError, transaction
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.permissions import AllowAny, BasePermission

import offlinesync
from offlinesync.submissions import IncomingSubmission

from .forms import NoteForm
from .models import Note


def fail() -> None:
    """A bug."""
    raise RuntimeError("a handler's bug")


def refuse() -> None:
    """A refusal, wherever it is called."""
    raise offlinesync.Rejected({"title": "Not this one."})


def deny() -> None:
    """What Django's own views raise."""
    raise PermissionDenied


def miss() -> None:
    """What get_object_or_404 raises."""
    raise Http404


def complain() -> None:
    """What a model's full_clean() raises."""
    raise ValidationError({"body": ValidationError("Too dull.", code="dull")})


def collide() -> None:
    """A constraint that validation knows nothing of."""
    Note.objects.create(title="collides", slug="taken")


def overflow() -> None:
    """A value that the database cannot hold."""
    raise DataError("value too long")


def swallow() -> None:
    """An error that the handler hides, and that has ended the transaction."""
    try:
        with transaction.atomic(savepoint=False):
            fail()
    except RuntimeError:
        pass


def hook() -> None:
    """A hook that runs after the commit."""
    transaction.on_commit(lambda: hooks_run.append("hook"))


def failing_hook() -> None:
    """A hook with a bug."""
    transaction.on_commit(fail)


BEHAVIOURS: dict[str, Callable[[], None]] = {
    "fail": fail,
    "refuse": refuse,
    "deny": deny,
    "miss": miss,
    "complain": complain,
    "collide": collide,
    "overflow": overflow,
    "swallow": swallow,
    "hook": hook,
    "failing hook": failing_hook,
}

# What the tests look at afterwards; a fixture of theirs empties it.
hooks_run: list[str] = []
runs: list[str] = []


@offlinesync.register("note")
class NoteHandler(offlinesync.FormHandler):
    """Behaves as told: "validate: fail" while validating, "save: fail" after it has written."""

    form_class = NoteForm
    permission_classes = [AllowAny]
    success_url = "/notes/{slug}/"

    def validate(self, submission: IncomingSubmission) -> NoteForm:
        """Validate, then behave."""
        form = super().validate(submission)
        runs.append(form.cleaned_data["title"])
        behave("validate", form)
        return form

    def save(self, validated: NoteForm, submission: IncomingSubmission) -> Note:
        """Write, then behave."""
        note = super().save(validated, submission)
        behave("save", validated)
        return note


def behave(step: str, form: NoteForm) -> None:
    """Do what the form asks for at this step."""
    wanted_step, _, behaviour = form.cleaned_data["behaviour"].partition(": ")
    if wanted_step == step:
        BEHAVIOURS[behaviour]()


@offlinesync.register("edited note")
class EditedNoteHandler(NoteHandler):
    """Is about another note, which may have been made by an entry before it."""

    def get_object(self, submission: IncomingSubmission) -> Note:
        """The note that the target names."""
        if not str(submission.target).isdigit():
            raise Http404
        return get_object_or_404(Note, pk=submission.target)


@offlinesync.register("private note")
class PrivateNoteHandler(NoteHandler):
    """Needs a signed-in user, as handlers do that say nothing else."""

    permission_classes = offlinesync.FormHandler.permission_classes


class IsNamedPermitted(BasePermission):
    """Looks at what permission classes look at: the user, the method, the view."""

    def has_permission(self, request: Any, view: Any) -> bool:
        """Only one person, only here."""
        user: AbstractBaseUser = request.user
        return request.method == "POST" and view.name == "guarded note" and user.get_username() == "permitted"


@offlinesync.register("guarded note")
class GuardedNoteHandler(NoteHandler):
    """Has a permission class of its own."""

    permission_classes = [IsNamedPermitted]


@offlinesync.register("prefixed note")
class PrefixedNoteHandler(NoteHandler):
    """Its fields are named as on a page with several forms."""

    prefix = "mine"


class NoteSerializer(serializers.ModelSerializer):
    """A note as data."""

    class Meta:
        model = Note
        fields = ["title", "slug"]


@offlinesync.register("note as data")
class DataHandler(offlinesync.Handler):
    """What a script sends as ``data``."""

    permission_classes = [AllowAny]

    def validate(self, submission: IncomingSubmission) -> NoteSerializer:
        """Validate with a serializer."""
        serializer = NoteSerializer(data=submission.data)
        serializer.is_valid(raise_exception=True)
        return serializer

    def save(self, validated: NoteSerializer, submission: IncomingSubmission) -> dict[str, Any]:
        """Save with the serializer."""
        return {"key": validated.save().pk}
