"""Handlers of forms that edit what is there, each in another way."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.shortcuts import get_object_or_404
from rest_framework.permissions import AllowAny

import offlinesync
from offlinesync.submissions import IncomingSubmission

from .models import Note


class EditHandler(offlinesync.FormHandler):
    """Edits a note."""

    permission_classes = [AllowAny]
    form_class = forms.modelform_factory(Note, fields=["title", "body", "day", "moment", "attachment"])
    prefix = "n"
    success_url = "/notes/"

    def get_object(self, submission: IncomingSubmission) -> Note:
        return get_object_or_404(Note, pk=submission.target)


class MergeHandler(EditHandler):
    """Puts texts together, and takes the later day."""

    def merge(self, mine: Any, theirs: Any, base: Any) -> dict[str, Any]:
        if mine["title"] == "by hand":
            return {}
        merged = {"day": max(mine["day"], theirs["day"]), "body": f"{theirs['body']}+{mine['body']}-{base['body']}"}
        return {**merged, "title": theirs["title"] if mine["title"] == base["title"] else mine["title"]}


class GroupForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ["username", "groups"]


class GroupsHandler(EditHandler):
    """Edits what is related to many."""

    form_class = GroupForm

    def get_object(self, submission: IncomingSubmission) -> User:
        return get_object_or_404(User, pk=submission.target)


class AccountForm(forms.ModelForm):
    username = forms.CharField(disabled=True)

    class Meta:
        model = User
        fields = ["username", "email", "password"]
        widgets = {"password": forms.PasswordInput}


class AccountHandler(GroupsHandler):
    """Edits an account."""

    form_class = AccountForm
    prefix = None


class TitleForm(forms.Form):
    title = forms.CharField()


class PlainFormHandler(EditHandler):
    """Edits a note by a form that knows no models."""

    form_class = TitleForm
    prefix = None

    def get_initial(self, submission: IncomingSubmission) -> dict[str, Any]:
        return {"title": self.get_object(submission).title}


class HiddenInitialForm(forms.ModelForm):
    day = forms.DateField(show_hidden_initial=True)

    class Meta:
        model = Note
        fields = ["title", "day"]


class HiddenInitialHandler(EditHandler):
    """Its page says what the value was."""

    form_class = HiddenInitialForm
    prefix = None


class OwnInitialForm(forms.Form):
    title = forms.CharField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["title"].initial = Note.objects.get().title


class OwnInitialHandler(EditHandler):
    """Its form finds its initial values itself."""

    form_class = OwnInitialForm
    prefix = None


class StampedHandler(EditHandler):
    """Says in the object who was there."""

    def get_object(self, submission: IncomingSubmission) -> Note:
        edited = super().get_object(submission)
        edited.slug = "stamped"
        return edited


class NewHandler(offlinesync.FormHandler):
    """Edits nothing."""

    permission_classes = [AllowAny]
    form_class = EditHandler.form_class


class PlainHandler(offlinesync.Handler):
    """Knows no forms."""

    permission_classes = [AllowAny]


HANDLERS = {
    "edit": EditHandler,
    "merge": MergeHandler,
    "groups": GroupsHandler,
    "account": AccountHandler,
    "plain form": PlainFormHandler,
    "hidden": HiddenInitialHandler,
    "own initial": OwnInitialHandler,
    "stamped": StampedHandler,
    "new": NewHandler,
    "plain": PlainHandler,
}
