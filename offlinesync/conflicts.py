"""Edits of what somebody else may have edited since the page was rendered.

A version is what the form has shown: its initial values, as JSON. The page carries it and the submission brings it
back, so that no model has to count anything, and so that what has changed since can be told field by field.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Field as ModelField
from django.db.models import Model
from django.db.models.fields.files import FieldFile
from django.forms import BaseForm, BaseModelForm, Field, FileField, MultiValueField, PasswordInput
from django.forms.models import construct_instance
from django.http import Http404

from .display import initial_text

Values = dict[str, Any]
# Names and values, as a browser posts them.
Pairs = list[tuple[str, str]]
# What a field raises for a value that it does not know any more.
UNREADABLE = (ValidationError, TypeError, ValueError, AttributeError)


class Conflict(Exception):
    """What a form edits is not any more what the page has shown.

    ``current`` is what is there now in the place of what was shown, as people read it, by the names of the fields in
    HTML, ``posted`` the same as a browser would post it, ``untouched`` those of them that the person has left as they
    were, and ``version`` what a page would carry that was rendered now.
    """

    def __init__(
        self, current: Mapping[str, str], posted: Mapping[str, Pairs], untouched: list[str], version: str
    ) -> None:
        super().__init__("conflict")
        self.current = current
        self.posted = posted
        self.untouched = untouched
        self.version = version

    @classmethod
    def over(cls, form: BaseForm, changed: Iterable[str], now: Values, base: Values | None) -> Conflict:
        """The conflict over the fields of a valid form that have changed since the page has shown ``base``."""
        names = {name: form.add_prefix(name) for name in changed}
        current = {html: initial_text(form, name) for name, html in names.items()}
        posted = {html: pairs for name, html in names.items() if (pairs := posted_of(form, name)) is not None}
        untouched = [html for name, html in names.items() if _is_untouched(form, name, base or {})]
        return cls(current, posted, untouched, as_version(now))


def values_of(form: BaseForm) -> Values:
    """What the form shows of its object to be edited, by the names of the fields in HTML."""
    plain = {}
    for name, field in form.fields.items():
        value = form.initial.get(name, field.initial)
        if _shows(field) and not callable(value) and (name in form.initial or value is not None):
            plain[form.add_prefix(name)] = _plain(value)
    return json.loads(json.dumps(plain, cls=DjangoJSONEncoder))


def posted_of(form: BaseForm, name: str) -> Pairs | None:
    """What a browser would post of this field, had the page been rendered now; None: nobody can say, as of a file."""
    bound = form[name]
    if isinstance(bound.field, FileField):
        return None
    value = bound.field.prepare_value(bound.initial)
    context = bound.field.widget.get_context(bound.html_name, value, {})
    return list(_pairs(context["widget"]))


def _pairs(widget: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Of the context that Django gives to the template of a widget."""
    if "subwidgets" in widget:
        for part in widget["subwidgets"]:
            yield from _pairs(part)
    elif "optgroups" in widget:
        options = [option for _group, members, _index in widget["optgroups"] for option in members]
        chosen = [option for option in options if option["selected"]]
        yield from ((widget["name"], str(option["value"])) for option in chosen)
    elif widget.get("type") == "checkbox":
        if widget["attrs"].get("checked"):
            yield widget["name"], "on" if widget["value"] is None else str(widget["value"])
    else:
        yield widget["name"], "" if widget["value"] is None else str(widget["value"])


def as_version(values: Values) -> str:
    """What the page carries of these values."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def changed_since(form: BaseForm, base: Values | None) -> list[str]:
    """The fields that are not any more what ``base`` has, and not yet what the valid form would make of them."""
    now = values_of(form)
    shown = {name: form.add_prefix(name) for name in form.fields}
    return [
        name
        for name, html_name in shown.items()
        if html_name in now and _is_other(now, base, html_name) and _would_change(form, name)
    ]


def base_of(version: str) -> Values | None:
    """The values in a version; None: it is none that this release has made."""
    try:
        values = json.loads(version)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def as_cleaned(form: BaseForm, values: Values) -> Values:
    """The values of a version as ``cleaned_data`` has them, by the names of the fields.

    Raises one of ``UNREADABLE`` for what the form of today does not know any more.
    """
    names = {name: form.add_prefix(name) for name in form.fields}
    return {name: _cleaned(form, name, values[html]) for name, html in names.items() if html in values}


def settled(
    mine: Values, theirs: Values, base: Values, merged: Mapping[str, Any], changed: list[str]
) -> Values | None:
    """What ``merge`` has said, and theirs where nothing was written; None: it has left something open."""
    found = dict(merged)
    for name in changed:
        if name not in found:
            if name not in base or mine[name] != base[name]:
                return None
            found[name] = theirs[name]
    return found


def take_over(form: BaseForm, merged: Mapping[str, Any]) -> None:
    """Have the valid form save these values in the place of what was filled in."""
    form.cleaned_data.update(merged)
    if isinstance(form, BaseModelForm):
        construct_instance(form, form.instance, list(merged), form._meta.exclude)


def held(get_object: Callable[[], Any]) -> Any:
    """The object as it is now, with its row locked: nobody else changes it until this is saved."""
    instance = get_object()
    if not isinstance(instance, Model) or instance._state.adding:
        return instance
    database = instance._state.db
    if not transaction.get_connection(database).in_atomic_block:
        return instance
    rows = type(instance)._base_manager.using(database).filter(pk=instance.pk).select_related(None)
    names = [field.attname for field in instance._meta.concrete_fields]
    locked = rows.select_for_update().values(*names).first()
    if locked is None:
        raise Http404
    instance = get_object()
    # Under REPEATABLE READ MariaDB shows what was there when the transaction began, but for what is locked.
    seen = rows.values(*names).first() or {}
    for name in names:
        if seen.get(name) != locked[name]:
            setattr(instance, name, locked[name])
    return instance


def _shows(field: Field) -> bool:
    """Whether the page has the value: the hash of a password is the initial value of a field that does not show it."""
    return not field.disabled and not (isinstance(field.widget, PasswordInput) and not field.widget.render_value)


def _is_other(now: Values, base: Values | None, name: str) -> bool:
    return base is None or (name in base and base[name] != now[name])


def _is_untouched(form: BaseForm, name: str, base: Values) -> bool:
    try:
        shown = _cleaned(form, name, base[form.add_prefix(name)])
    except (KeyError, *UNREADABLE):
        return False
    return bool(form.cleaned_data.get(name) == shown)


def _would_change(form: BaseForm, name: str) -> bool:
    # Not form.changed_data, which believes what a hidden field says that the value was.
    bound = form[name]
    return bound.field.has_changed(bound.initial, bound.data)


def _cleaned(form: BaseForm, name: str, value: Any) -> Any:
    field = form.fields[name]
    if isinstance(form, BaseModelForm):
        known = {each.name: each for each in form._meta.model._meta.get_fields()}
        model_field = known.get(name)
        # It reads what JSON has made of its own values, whatever the form's field takes from people.
        if isinstance(model_field, ModelField) and model_field.remote_field is None:
            return model_field.to_python(value)
    return value if isinstance(field, (FileField, MultiValueField)) else field.to_python(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, FieldFile):
        return value.name or ""
    if isinstance(value, (list, tuple, set, frozenset)) or hasattr(value, "iterator"):
        items = [_plain(item) for item in value]
        # What is related has no order of its own.
        return sorted(items, key=str) if not isinstance(value, (list, tuple)) or _are_objects(value) else items
    return value if isinstance(value, (str, int, float, bool, type(None))) else _encoded(value)


def _are_objects(values: Any) -> bool:
    return any(isinstance(value, Model) for value in values)


def _encoded(value: Any) -> Any:
    try:
        return json.loads(json.dumps(value, cls=DjangoJSONEncoder))
    except TypeError:
        return str(value)
