"""What a form's values look like to people, in the language and time zone of now."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Manager, Model, QuerySet
from django.db.models.fields.files import FieldFile
from django.forms import BaseForm, ChoiceField, ModelChoiceField
from django.template.defaultfilters import yesno
from django.utils import formats, timezone
from django.utils.choices import flatten_choices
from django.utils.translation import gettext as _

EMPTY = (None, "", [], ())


def initial_text(form: BaseForm, name: str) -> str:
    """What the form shows in this field before it is filled in, as a text."""
    field, value = form.fields[name], form[name].initial
    items = list(value.all() if isinstance(value, Manager) else value) if _is_many(value) else [value]
    texts = list(_labels(field, items)) if isinstance(field, ChoiceField) else [_text(item) for item in items]
    return ", ".join(text for text in texts if text) or _("(empty)")


def _is_many(value: Any) -> bool:
    return isinstance(value, (list, tuple, set, frozenset, QuerySet, Manager))


def _labels(field: ChoiceField, items: Iterable[Any]) -> Iterable[str]:
    if isinstance(field, ModelChoiceField):
        for item in items:
            chosen = item if isinstance(item, Model) else _chosen(field, item)
            yield _text(item) if chosen is None else str(field.label_from_instance(chosen))
        return
    labels = {str(key): str(label) for key, label in flatten_choices(field.choices)}
    # A blank choice has a label, such as "---------", that says nothing.
    yield from (labels.get(str(item), _text(item)) for item in items if item not in EMPTY)


def _chosen(field: ModelChoiceField, value: Any) -> Model | None:
    if value in EMPTY:
        return None
    try:
        return field.queryset.filter(**{field.to_field_name or "pk": value}).first()
    except (ValidationError, ValueError, TypeError):
        return None


def _text(value: Any) -> str:
    if value in EMPTY:
        return ""
    if isinstance(value, bool):
        return str(yesno(value)).capitalize()
    if isinstance(value, datetime) and timezone.is_aware(value):
        return str(formats.localize(timezone.localtime(value)))
    if isinstance(value, (date, time, int, float, Decimal)):
        return str(formats.localize(value))
    if isinstance(value, FieldFile):
        return os.path.basename(value.name or "")
    if isinstance(value, dict):
        return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
    return str(value)
