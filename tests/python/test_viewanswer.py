"""What a view's answer means."""

from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.contrib.admin.helpers import AdminForm
from django.http import HttpResponse
from django.template import Context

from offlinesync.handlers import Rejected
from offlinesync.viewanswer import result_of
from offlinesync.viewrequest import SubmissionRequest

from .sampleapp.factories import note


class TitleForm(forms.Form):
    title = forms.CharField()


def in_the_admin(form: forms.Form) -> AdminForm:
    return AdminForm(form, [(None, {"fields": ["title"]})], {})


@pytest.mark.parametrize(
    "context",
    [
        lambda form: {"form": form},
        lambda form: {"forms": {"first": [(1, form)]}},
        lambda form: {"adminform": in_the_admin(form)},
        lambda form: {"inline_admin_formsets": [SimpleNamespace(formset=form)]},
    ],
)
def test_the_errors_are_those_of_forms_wherever_the_template_has_them(context: Any) -> None:
    request = SubmissionRequest(note())
    request.note_context(Context(context(TitleForm({}))))
    request.resolver_match = SimpleNamespace(func=None)
    with pytest.raises(Rejected) as refused:
        result_of(request, HttpResponse("<p>Again</p>"))
    assert list(refused.value.errors) == ["title"]


def test_what_holds_itself_is_not_searched_for_ever() -> None:
    request = SubmissionRequest(note())
    endless: dict[str, Any] = {}
    endless["self"] = endless
    request.note_context(Context(endless))
    with pytest.raises(Rejected, match="Again"):
        result_of(request, HttpResponse("<p>Again</p>", content_type="text/html"))
