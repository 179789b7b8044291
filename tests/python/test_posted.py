"""What is there now, as a browser would post it: so that a form can be filled with it (row E1)."""

from __future__ import annotations

import datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from django import forms
from django.http import QueryDict
from django.utils import timezone

from offlinesync.conflicts import posted_of

from .sampleapp.models import Note

CHOICES = [("", "None"), ("a", "A"), ("b", "B"), ("c", "C")]
WHEN = datetime.datetime(2026, 11, 28, 17, 5, tzinfo=datetime.UTC)
FIELDS = {
    "text": (forms.CharField(), 'A "text" & more'),
    "nothing": (forms.CharField(required=False), None),
    "long": (forms.CharField(widget=forms.Textarea), "Two\nlines"),
    "hidden": (forms.CharField(widget=forms.HiddenInput), "x"),
    "number": (forms.DecimalField(localize=True), 3),
    "day": (forms.DateField(), WHEN.date()),
    "parts_of_a_day": (forms.DateField(widget=forms.SelectDateWidget(years=[2025, 2026])), WHEN.date()),
    "moment": (forms.DateTimeField(), WHEN),
    "parts_of_a_moment": (forms.SplitDateTimeField(), WHEN),
    "checked": (forms.BooleanField(), True),
    "unchecked": (forms.BooleanField(), False),
    "unknown": (forms.NullBooleanField(), None),
    "chosen": (forms.ChoiceField(choices=CHOICES), "b"),
    "none_chosen": (forms.ChoiceField(choices=CHOICES), None),
    "by_radio": (forms.ChoiceField(choices=CHOICES, widget=forms.RadioSelect), "c"),
    "several": (forms.MultipleChoiceField(choices=CHOICES), ["a", "c"]),
    "several_boxes": (forms.MultipleChoiceField(choices=CHOICES, widget=forms.CheckboxSelectMultiple), ["b", "c"]),
    "no_boxes": (forms.MultipleChoiceField(choices=CHOICES, widget=forms.CheckboxSelectMultiple), []),
    "json": (forms.JSONField(), {"a": [1, "ä"]}),
}


class Reader(HTMLParser):
    """What a browser posts of rendered controls, read from the HTML itself."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs: list[tuple[str, str]] = []
        self.select: str | None = None
        self.textarea: str | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given: dict[str, Any] = dict(attributes)
        if tag == "select":
            self.select = given["name"]
        elif tag == "textarea":
            self.textarea = given["name"]
            self.pairs.append((given["name"], ""))
        elif tag == "option" and "selected" in given and self.select:
            self.pairs.append((self.select, given["value"]))
        elif tag == "input" and (given["type"] not in ("checkbox", "radio") or "checked" in given):
            boxed = "on" if given["type"] == "checkbox" else ""
            self.pairs.append((given["name"], given.get("value") or boxed))

    def handle_data(self, data: str) -> None:
        if self.textarea and self.pairs[-1][0] == self.textarea:
            # A browser passes over the first line break, which Django writes.
            self.pairs[-1] = (self.textarea, self.pairs[-1][1] + data.removeprefix("\n"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.textarea = None


@pytest.mark.parametrize("name", list(FIELDS))
def test_it_is_what_the_rendered_control_would_post(name: str) -> None:
    field, value = FIELDS[name]
    form_class = type("SomeForm", (forms.Form,), {name: field})
    form = form_class(data=QueryDict("x=of the person"), initial={name: value}, prefix="p")
    reader = Reader()
    with timezone.override("Europe/Berlin"):
        reader.feed(str(form_class(initial={name: value}, prefix="p")[name]))
        assert posted_of(form, name) == reader.pairs


@pytest.mark.django_db
def test_objects_are_their_keys() -> None:
    note = Note.objects.create(title="One")
    Note.objects.create(title="Another")
    field = forms.ModelChoiceField(Note.objects.all())
    form = type("SomeForm", (forms.Form,), {"note": field})(data=QueryDict(), initial={"note": note})
    assert posted_of(form, "note") == [("note", str(note.pk))]


def test_nobody_can_say_what_a_file_would_post() -> None:
    form = type("SomeForm", (forms.Form,), {"photo": forms.FileField()})(data=QueryDict(), initial={"photo": "a.png"})
    assert posted_of(form, "photo") is None
