"""System checks.

================= ==========================================================================
id                what is wrong
================= ==========================================================================
offlinesync.E001  ``OFFLINESYNC`` is no dict.
offlinesync.E002  ``OFFLINESYNC`` has a key that the app does not know.
offlinesync.E003  A value in ``OFFLINESYNC`` is not what its key needs.
offlinesync.E004  ``pwa`` stands before ``offlinesync`` in ``INSTALLED_APPS``.
offlinesync.E005  ``rest_framework`` is not in ``INSTALLED_APPS``.
offlinesync.E006  A form is saved in another database than the ledger.
offlinesync.E007  An entry of ``PAGES`` is neither a path nor the name of a URL.
offlinesync.E008  A handler does not say how it validates or saves.
offlinesync.E009  An entry of ``STRATEGIES`` names no page, or no strategy.
offlinesync.E010  An entry of ``VIEWS`` names no URL, or a form that has a handler.
offlinesync.W001  SQLite begins transactions in a way that fails with "database is locked".
offlinesync.W002  ``offlinesync.urls`` is not included in the URLs of the site.
offlinesync.W003  ``offlinesync.urls`` has another path in each language.
offlinesync.W004  django-pwa serves a service worker that ours may not replace.
offlinesync.W005  A page in ``PAGES`` has the strategy of those that are never kept.
================= ==========================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections, router
from django.forms import BaseInlineFormSet
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.module_loading import import_string

from . import registry
from .conf import CACHE_DEFAULTS, DEFAULTS, UPLOAD_DEFAULTS
from .handlers import FormHandler, FormSetHandler, Handler, SerializerHandler

POSITIVE_INTEGERS = ("MAX_SUBMISSIONS", "MAX_SUBMISSION_BYTES")
POSITIVE_NUMBERS = ("NETWORK_TIMEOUT", "REFRESH_AFTER")
LISTS = ("THROTTLE_CLASSES", "PAGES", "REPLACES_WORKERS")
# What each kind of handler validates with.
VALIDATORS = {FormHandler: "form", FormSetHandler: "formset", SerializerHandler: "serializer"}
# Where django-pwa registers its worker.
PWA_WORKER = "/serviceworker.js"


@register
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """E001, E002 and E003: the dict ``OFFLINESYNC``."""
    site_settings = getattr(settings, "OFFLINESYNC", {})
    if not isinstance(site_settings, Mapping):
        return [
            Error(
                "OFFLINESYNC is not a dict.",
                hint='Write for example OFFLINESYNC = {"MAX_SUBMISSIONS": 50}.',
                id="offlinesync.E001",
            )
        ]
    messages = [_unknown_key(key) for key in site_settings if key not in DEFAULTS]
    return messages + list(_wrong_values(site_settings))


@register
def check_installed_apps(**kwargs: Any) -> list[CheckMessage]:
    """E004 and E005: what else is installed, and in which order."""
    names = [config.name for config in apps.get_app_configs()]
    messages = []
    if "pwa" in names and names.index("pwa") < names.index("offlinesync"):
        messages.append(
            Error(
                "pwa stands before offlinesync in INSTALLED_APPS, so its template registers a worker of its own.",
                hint='Put "offlinesync" before "pwa".',
                id="offlinesync.E004",
            )
        )
    if "rest_framework" not in names:
        messages.append(
            Error(
                "rest_framework is not in INSTALLED_APPS.",
                hint='Add "rest_framework", which offlinesync takes submissions with.',
                id="offlinesync.E005",
            )
        )
    return messages


@register(Tags.models)
def check_databases(**kwargs: Any) -> list[CheckMessage]:
    """E006: a form's model has to be in the ledger's database, or they cannot be one transaction."""
    ledger = _ledger_database()
    messages = []
    for name in registry.names():
        model = _model_of(registry.handler_class(name))
        database = None if model is None else router.db_for_write(model)
        if database not in (None, ledger):
            messages.append(
                Error(
                    f"The form {name!r} saves {model._meta.label} in the database {database!r}, and the ledger of "
                    f"offlinesync is in {ledger!r}: a submission could be saved twice, or not at all.",
                    hint="Let your database router send offlinesync.Submission and the model to the same database.",
                    obj=model,
                    id="offlinesync.E006",
                )
            )
    return messages


@register
def check_handlers(**kwargs: Any) -> list[CheckMessage]:
    """E008: an incomplete handler would keep what people wrote waiting for ever."""
    return [
        Error(
            f"The handler of the form {name!r} {lack}.",
            hint=f"{remedy} in {handler_class.__module__}.{handler_class.__qualname__}.",
            obj=handler_class,
            id="offlinesync.E008",
        )
        for name in registry.names()
        for handler_class in [registry.handler_class(name)]
        for lack, remedy in _lacks(handler_class)
    ]


@register(Tags.database)
def check_sqlite_transactions(**kwargs: Any) -> list[CheckMessage]:
    """W001: run by ``migrate`` and ``check --database``."""
    alias = _ledger_database()
    connection = connections[alias]
    if alias not in (kwargs.get("databases") or ()) or connection.vendor != "sqlite":
        return []
    if str(connection.settings_dict["OPTIONS"].get("transaction_mode")).upper() in ("IMMEDIATE", "EXCLUSIVE"):
        return []
    return [
        Warning(
            "SQLite begins a transaction as a reader, and fails at once with 'database is locked' when it has to "
            "write while somebody else does.",
            hint=f'Set DATABASES["{alias}"]["OPTIONS"] = {{"transaction_mode": "IMMEDIATE"}}.',
            id="offlinesync.W001",
        )
    ]


@register(Tags.urls)
def check_urls(**kwargs: Any) -> list[CheckMessage]:
    """W002 and W003: the app's own URLs."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    messages = []
    if not _reverses("offlinesync:submissions"):
        messages.append(
            Warning(
                "offlinesync.urls is not included in the URLs of the site, so nothing can be delivered.",
                hint='Add path("offlinesync/", include("offlinesync.urls")) to urlpatterns, outside i18n_patterns().',
                id="offlinesync.W002",
            )
        )
    elif len(paths := _mount_paths()) > 1:
        messages.append(
            Warning(
                f"offlinesync.urls has another path in each language, {' and '.join(paths)}: what is saved in one "
                "language is not seen in another.",
                hint="Move its include out of i18n_patterns().",
                id="offlinesync.W003",
            )
        )
    return messages


@register(Tags.urls)
def check_workers(**kwargs: Any) -> list[CheckMessage]:
    """W004: a browser has one worker for the same pages, and whose it is must be said (row D10)."""
    if not apps.is_installed("pwa") or not getattr(settings, "ROOT_URLCONF", None):
        return []
    served_at = reversed_path(import_string("pwa.views.service_worker"))
    own = getattr(settings, "PWA_SERVICE_WORKER_PATH", None)
    path = served_at or PWA_WORKER
    if (served_at is None and own is None) or _replaces(path):
        return []
    what = f"PWA_SERVICE_WORKER_PATH names a worker, {own!s}," if own else "django-pwa serves a worker"
    return [
        Warning(
            f"{what} at {path}: in browsers that have it, the worker of offlinesync does not take its place, and "
            "forms are sent only while a page is open.",
            hint=f'Add "{path}" to OFFLINESYNC["REPLACES_WORKERS"] to let the worker of offlinesync replace it, push '
            "notifications and all that it does included. Then take it out of your URLs, where only the view "
            "pwa.views.manifest is needed, and PWA_SERVICE_WORKER_PATH out of your settings.",
            id="offlinesync.W004",
        )
    ]


def _unknown_key(key: str) -> CheckMessage:
    similar = get_close_matches(str(key).upper(), DEFAULTS, n=1)
    hint = f"Did you mean {similar[0]!r}?" if similar else f"The keys are {', '.join(DEFAULTS)}."
    return Error(f"OFFLINESYNC has an unknown key {key!r}.", hint=hint, id="offlinesync.E002")


def _wrong_values(site_settings: Mapping[str, Any]) -> Iterable[CheckMessage]:
    if not isinstance(site_settings.get("ENABLED", True), bool):
        yield _wrong_value("ENABLED", "True or False")
    for key in POSITIVE_INTEGERS:
        if key in site_settings and not _is_positive(site_settings[key], int):
            yield _wrong_value(key, "a whole number above 0")
    if site_settings.get("MAX_BYTES") is not None and not _is_positive(site_settings["MAX_BYTES"], int):
        yield _wrong_value("MAX_BYTES", "a whole number above 0, or None")
    for key in POSITIVE_NUMBERS:
        if key in site_settings and not _is_positive(site_settings[key], (int, float)):
            yield _wrong_value(key, "a number of seconds above 0")
    if "CACHES" in site_settings and not _are_limits(site_settings["CACHES"]):
        yield _wrong_value(
            "CACHES", 'a dict such as {"pages": {"MAX_ENTRIES": 50, "MAX_AGE": 86400}}, with numbers above 0 or None'
        )
    if "UPLOADS" in site_settings and not _are_uploads(site_settings["UPLOADS"]):
        yield _wrong_value("UPLOADS", 'a dict such as {"PART_BYTES": 524288, "MAX_AGE": 86400}, with whole numbers')
    for key in LISTS:
        if not isinstance(site_settings.get(key, []), (list, tuple)):
            yield _wrong_value(key, "a list")
            return
    for path in site_settings.get("THROTTLE_CLASSES", []):
        if not _is_importable(path):
            yield _wrong_value("THROTTLE_CLASSES", f"a list of throttle classes, and {path!r} cannot be imported")
    for script in site_settings.get("REPLACES_WORKERS", []):
        if not _is_path_or_url(script):
            yield _wrong_value(
                "REPLACES_WORKERS", f'a list of paths such as "/sw.js", or of URLs, and {script!r} is none'
            )


def _wrong_value(key: str, needed: str) -> CheckMessage:
    return Error(f'OFFLINESYNC["{key}"] must be {needed}.', id="offlinesync.E003")


def _is_positive(value: Any, types: type | tuple[type, ...]) -> bool:
    return isinstance(value, types) and not isinstance(value, bool) and value > 0


def _are_limits(value: Any) -> bool:
    if not isinstance(value, Mapping) or not set(value) <= set(CACHE_DEFAULTS):
        return False
    return all(
        isinstance(limits, Mapping)
        and set(limits) <= set(CACHE_DEFAULTS[name])
        and all(limit is None or _is_positive(limit, int) for limit in limits.values())
        for name, limits in value.items()
    )


def _are_uploads(value: Any) -> bool:
    if not isinstance(value, Mapping) or not set(value) <= set(UPLOAD_DEFAULTS):
        return False
    return all(_is_positive(number, int) or (name, number) == ("PART_BYTES", 0) for name, number in value.items())


def _is_path_or_url(value: Any) -> bool:
    if not isinstance(value, str) or any(character.isspace() for character in value):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    if parts.netloc:
        return parts.scheme in ("http", "https") and len(parts.path) > 1
    return not parts.scheme and len(value) > 1 and value.startswith("/")


def _replaces(path: str) -> bool:
    site_settings = getattr(settings, "OFFLINESYNC", {})
    scripts = site_settings.get("REPLACES_WORKERS", []) if isinstance(site_settings, Mapping) else []
    named = [script for script in scripts if isinstance(script, str)] if isinstance(scripts, (list, tuple)) else []
    return path in (urlsplit(script).path for script in named)


def _is_importable(path: Any) -> bool:
    if not isinstance(path, str):
        return isinstance(path, type)
    try:
        import_string(path)
    except ImportError:
        return False
    return True


def _ledger_database() -> str:
    return router.db_for_write(apps.get_model("offlinesync", "Submission"))


def _mount_paths() -> list[str]:
    paths = set()
    for language, _ in settings.LANGUAGES:
        with translation.override(language):
            paths.add(reverse("offlinesync:submissions"))
    return sorted(paths)


def _lacks(handler_class: type[Handler]) -> Iterable[tuple[str, str]]:
    for method in ("validate", "save"):
        if getattr(handler_class, method) is getattr(Handler, method):
            yield f"has no {method}()", f"Write {method}()"
    for base, what in VALIDATORS.items():
        if issubclass(handler_class, base):
            yield from _lacks_of(handler_class, base, what)


def _lacks_of(handler_class: type[Handler], base: type[Handler], what: str) -> Iterable[tuple[str, str]]:
    getter = f"get_{what}_class"
    validator = getattr(handler_class, f"{what}_class")
    if getattr(handler_class, getter) is not getattr(base, getter):
        return
    if validator is None:
        yield f"has no {what}", f"Set {what}_class, or write {getter}()"
        return
    if handler_class.save is base.save and not hasattr(validator, "save"):
        yield f"has a {what} without save(), {validator.__qualname__}", f"Write save({what}, submission)"
    if issubclass(validator, BaseInlineFormSet) and not _says_whose_rows(handler_class):
        yield "does not say whose rows it saves", "Write get_object(submission)"


def _says_whose_rows(handler_class: type[Handler]) -> bool:
    methods = ("get_object", "get_formset_kwargs", "get_formset")
    return any(getattr(handler_class, method) is not getattr(FormSetHandler, method) for method in methods)


def _model_of(handler_class: type[Handler]) -> type | None:
    validators = [getattr(handler_class, f"{what}_class", None) for what in VALIDATORS.values()]
    # Where a form, a formset and a serializer say it.
    holders = [getattr(each, name, None) for each in validators for name in ("_meta", "Meta")]
    return next((model for each in [*holders, *validators] if (model := getattr(each, "model", None))), None)


def _reverses(name: str) -> bool:
    return reversed_path(name) is not None


def reversed_path(view: Any) -> str | None:
    """The path of a URL name or view without arguments; None where the site has none."""
    try:
        return reverse(view)
    except NoReverseMatch:
        return None
