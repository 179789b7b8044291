"""URLs of a demo, and a form with every field and widget of Django; its view writes down what it is sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.forms import fields, models, widgets
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template import engines
from django.urls import include, path

from offlinesync import offline_view

MOMENT = datetime(2026, 2, 1, 7, 30, tzinfo=UTC)
CHOICES = [("", "None"), ("a", "A & B"), ("ä", "Ä"), ("3", "3")]
# Passwords are never captured, and the others are what fields and widgets are made of.
BASES = {
    fields.Field,
    fields.MultiValueField,
    widgets.Input,
    widgets.MultiWidget,
    widgets.ChoiceWidget,
    widgets.DateTimeBaseInput,
}
NEVER_CAPTURED = {widgets.PasswordInput}
# Their values are Python's business, or a choice's.
ARGUMENTS = {
    "ChoiceField": {"choices": CHOICES},
    "TypedChoiceField": {"choices": CHOICES},
    "MultipleChoiceField": {"choices": CHOICES},
    "TypedMultipleChoiceField": {"choices": CHOICES},
    "ComboField": {"fields": [fields.CharField(), fields.EmailField()]},
    "FilePathField": {"path": str(Path(__file__).parent), "match": r"every"},
    "RegexField": {"regex": "x"},
}


class PhoneInput(widgets.MultiWidget):
    """A widget of several."""

    def __init__(self) -> None:
        super().__init__({"country": widgets.TextInput(), "number": widgets.TextInput()})

    def decompress(self, value: str | None) -> list[str]:
        """Several values of one."""
        return value.split(" ", 1) if value else ["", ""]


class Phone(fields.MultiValueField):
    """A field of several."""

    widget = PhoneInput

    def __init__(self, **options: object) -> None:
        super().__init__([fields.CharField(), fields.CharField()], **options)

    def compress(self, values: list[str]) -> str:
        """One value of several."""
        return " ".join(values)


class ManyFiles(widgets.ClearableFileInput):
    """As Django's documentation has it for several files."""

    allow_multiple_selected = True


def all_of(module: object, base: type) -> dict[str, type]:
    """Every class of that kind that a module of Django has, by its name."""
    found = {
        name: value for name, value in vars(module).items() if isinstance(value, type) and issubclass(value, base)
    }
    return {name: value for name, value in found.items() if value not in BASES | NEVER_CAPTURED | {base}}


def make_form() -> type[forms.Form]:
    """A form with each of them, by its name."""
    members: dict[str, fields.Field] = {}
    for name, field_class in all_of(fields, fields.Field).items():
        members[f"field_{name}"] = field_class(**ARGUMENTS.get(name, {}))
    for name, widget_class in all_of(widgets, widgets.Widget).items():
        widget = widget_class()
        if isinstance(widget, widgets.ChoiceWidget):
            widget.choices = widget.choices or CHOICES
        members[f"widget_{name}"] = fields.Field(widget=widget)
    users = User.objects.order_by("username")
    members["field_ModelChoiceField"] = models.ModelChoiceField(users)
    members["field_ModelMultipleChoiceField"] = models.ModelMultipleChoiceField(users)
    members["several files"] = fields.FileField(widget=ManyFiles())
    members["phone"] = Phone()
    members["hidden"] = fields.CharField(widget=widgets.HiddenInput(), initial=" kept \n as it is ")
    members["hiddens"] = fields.MultipleChoiceField(widget=widgets.MultipleHiddenInput(), initial=["1", "2"])
    members["moment"] = fields.SplitDateTimeField(widget=widgets.SplitHiddenDateTimeWidget(), initial=MOMENT)
    members["disabled"] = fields.CharField(disabled=True, initial="is not sent")
    members["localized"] = fields.DecimalField(localize=True, initial="1234567.5")
    return type("EveryForm", (forms.Form,), members)


PAGE = """{% load offlinesync %}<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Every field</title>{% if not plain %}{% offlinesync %}{% endif %}</head>
<body><main>
<input name="outside" form="every"><textarea name="text outside" form="every" dirname="direction"></textarea>
<form id="every" method="post" enctype="multipart/form-data" novalidate
      {% if not plain %}{% offline_form "every" %}{% endif %}>
  {% csrf_token %}{{ form.as_div }}
  <button type="submit" name="pressed" value="first">First</button>
  <button type="submit" name="pressed" value="second &amp; last">Second</button>
  <input type="image" name="picture" alt="Third" width="40" height="20">
  <button type="submit">Nameless</button>
  <fieldset disabled><input name="in a disabled set" value="is not sent"></fieldset>
  <details><summary>More</summary><input name="in closed details" value="is sent"></details>
</form>
</main></body>
</html>"""


def every(request: HttpRequest) -> HttpResponse:
    """The page with the form; what is posted is written down."""
    if request.method == "POST":
        write_down(request)
        return redirect("/offlinesync/offline/")
    plain = "plain" in request.GET
    form = make_form()(prefix="p-1", use_required_attribute=False)
    response = HttpResponse(engines["django"].from_string(PAGE).render({"form": form, "plain": plain}, request))
    if plain:
        # No script of anybody's runs.
        response.headers["Content-Security-Policy"] = "script-src 'none'"
    return response


def write_down(request: HttpRequest) -> None:
    """Everything that a view can know of what was posted, but for the token."""
    posted = request.POST.copy()
    posted.pop("csrfmiddlewaretoken", None)
    files = [
        [name, file.name, file.content_type, file.size, sha256(file.read()).hexdigest()]
        for name, several in request.FILES.lists()
        for file in several
    ]
    with (Path(settings.DATA_DIR) / "posted.jsonl").open("a") as log:
        log.write(
            json.dumps({"fields": list(posted.lists()), "urlencoded": posted.urlencode(), "files": files}) + "\n"
        )


urlpatterns = [path("every/", offline_view(every, name="every")), path("", include("demo_site.urls"))]
