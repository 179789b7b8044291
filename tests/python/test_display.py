"""What is there now, as the person would read it on the page (row E1)."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import Group
from django.utils import timezone, translation

from offlinesync.display import initial_text

CHOICES = [("", "---------"), ("Trains", [("r", "Regional"), ("e", "Express")]), ("f", "On foot")]
MOMENT = datetime(2026, 3, 4, 22, 30, tzinfo=UTC)


def shown(field: forms.Field, value: Any) -> str:
    form = type("ShownForm", (forms.Form,), {"field": field})(data={}, initial={"field": value})
    return initial_text(form, "field")


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        (forms.CharField(), "Milk", "Milk"),
        (forms.CharField(), "", "(empty)"),
        (forms.CharField(), None, "(empty)"),
        (forms.IntegerField(), 0, "0"),
        (forms.DecimalField(), Decimal("1234.50"), "1234.50"),
        (forms.BooleanField(), True, "Yes"),
        (forms.BooleanField(), False, "No"),
        (forms.DateField(), date(2026, 3, 4), "March 4, 2026"),
        (forms.TimeField(), time(7, 5), "7:05 a.m."),
        (forms.DateTimeField(), MOMENT, "March 5, 2026, 6:30 a.m."),
        (forms.ChoiceField(choices=CHOICES), "e", "Express"),
        (forms.ChoiceField(choices=CHOICES), "", "(empty)"),
        (forms.ChoiceField(choices=CHOICES), "gone", "gone"),
        (forms.MultipleChoiceField(choices=CHOICES), ["r", "f"], "Regional, On foot"),
        (forms.MultipleChoiceField(choices=CHOICES), [], "(empty)"),
        (forms.JSONField(), {"a": "ü"}, '{"a": "ü"}'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_e1_a_value_is_said_as_the_page_would_say_it(field: forms.Field, value: Any, text: str) -> None:
    with timezone.override("Asia/Shanghai"):
        assert shown(field, value) == text


def test_e1_in_the_language_of_the_page() -> None:
    with translation.override("de"), timezone.override("Europe/Berlin"):
        assert shown(forms.DateTimeField(), MOMENT) == "4. März 2026 23:30"
        assert shown(forms.BooleanField(), True) == "Ja"


def test_e1_what_is_related_is_said_by_its_name(db: None) -> None:
    groups = [Group.objects.create(name=name) for name in ("drivers", "guards")]
    one = forms.ModelChoiceField(Group.objects)
    assert [shown(one, value) for value in (groups[0].pk, groups[0], None)] == ["drivers", "drivers", "(empty)"]
    assert shown(forms.ModelMultipleChoiceField(Group.objects), groups) == "drivers, guards"
    assert shown(forms.ModelMultipleChoiceField(Group.objects), []) == "(empty)"
    key = groups[1].pk
    groups[1].delete()
    assert shown(one, key) == str(key)
    assert shown(one, "none of these") == "none of these"
