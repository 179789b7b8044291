"""Each system check: it speaks where it must, and only there."""

from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import User
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.urls import include, path

from demo_site.posts.offline import PostHandler
from offlinesync import checks as ours
from offlinesync import pagechecks, registry
from offlinesync.handlers import FormHandler, FormSetHandler, Handler, SerializerHandler
from offlinesync.models import Submission
from offlinesync.viewhandler import ViewHandler

from .sampleapp.forms import NoteForm
from .sampleapp.models import Note
from .sampleapp.offline import NoteSerializer


def ids(messages: list[checks.CheckMessage]) -> list[str]:
    return [message.id for message in messages]


@pytest.mark.django_db
def test_all_checks_are_registered_and_silent_on_a_sound_site(
    settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_classes", {"post": PostHandler})
    registered = checks.registry.registry.registered_checks
    for check in (
        ours.check_settings,
        ours.check_installed_apps,
        ours.check_databases,
        ours.check_handlers,
        ours.check_sqlite_transactions,
        ours.check_urls,
        ours.check_workers,
        pagechecks.check_pages,
        pagechecks.check_strategies,
        pagechecks.check_views,
    ):
        assert check in registered
    settings.ROOT_URLCONF = "tests.python.sampleapp.urls"
    settings.OFFLINESYNC = {"PAGES": ["/", "a page"], "STRATEGIES": {"a page": "cache-first"}}
    found = [message for message in checks.run_checks(databases=["default"]) if message.id.startswith("offlinesync.")]
    assert found == []


@pytest.mark.parametrize(
    ("value", "expected", "hint"),
    [
        ({}, [], ""),
        ([], ["offlinesync.E001"], "OFFLINESYNC = {"),
        (None, ["offlinesync.E001"], "OFFLINESYNC = {"),
        ({"MAX_SUBMISSION": 5}, ["offlinesync.E002"], "'MAX_SUBMISSIONS'"),
        ({"pages": []}, ["offlinesync.E002"], "'PAGES'"),
        ({"WHATEVER": 5}, ["offlinesync.E002"], "NETWORK_TIMEOUT"),
        ({7: 5}, ["offlinesync.E002"], "NETWORK_TIMEOUT"),
        ({"A": 1, "B": 2}, ["offlinesync.E002"] * 2, ""),
    ],
)
def test_e001_and_e002_the_dict(settings: object, value: Any, expected: list[str], hint: str) -> None:
    settings.OFFLINESYNC = value
    messages = ours.check_settings()
    assert ids(messages) == expected
    assert all(hint in message.hint for message in messages)


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({"MAX_SUBMISSIONS": 0}, True),
        ({"MAX_SUBMISSIONS": "5"}, True),
        ({"MAX_SUBMISSIONS": True}, True),
        ({"MAX_SUBMISSIONS": None}, True),
        ({"MAX_SUBMISSIONS": 1}, False),
        ({"MAX_SUBMISSION_BYTES": 0.5}, True),
        ({"MAX_BYTES": 0}, True),
        ({"MAX_BYTES": None}, False),
        ({"MAX_BYTES": 1}, False),
        ({"ENABLED": "False"}, True),
        ({"ENABLED": 0}, True),
        ({"ENABLED": None}, True),
        ({"ENABLED": False}, False),
        ({"NETWORK_TIMEOUT": 0}, True),
        ({"NETWORK_TIMEOUT": 0.5}, False),
        ({"THROTTLE_CLASSES": "rest_framework.throttling.AnonRateThrottle"}, True),
        ({"THROTTLE_CLASSES": ["nowhere.Throttle"]}, True),
        ({"THROTTLE_CLASSES": ["nothing"]}, True),
        ({"THROTTLE_CLASSES": [5]}, True),
        ({"THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"]}, False),
        ({"PAGES": "/"}, True),
        ({"PAGES": ("/",)}, False),
        ({"REPLACES_WORKERS": "/sw.js"}, True),
        ({"REPLACES_WORKERS": ["sw.js"]}, True),
        ({"REPLACES_WORKERS": ["/"]}, True),
        ({"REPLACES_WORKERS": [""]}, True),
        ({"REPLACES_WORKERS": [None]}, True),
        ({"REPLACES_WORKERS": ["/sw .js"]}, True),
        ({"REPLACES_WORKERS": ["javascript:alert(1)"]}, True),
        ({"REPLACES_WORKERS": ["https://example.org"]}, True),
        ({"REPLACES_WORKERS": ["//example.org/sw.js"]}, True),
        ({"REPLACES_WORKERS": ["https://[/sw.js"]}, True),
        ({"REPLACES_WORKERS": ["/sw.js", "/old/sw.js?v=1", "https://example.org/sw.js"]}, False),
        ({"REPLACES_WORKERS": ()}, False),
        ({"REFRESH_AFTER": "60"}, True),
        ({"REFRESH_AFTER": 0.5}, False),
        ({"CACHES": []}, True),
        ({"CACHES": {"photos": {}}}, True),
        ({"CACHES": {"pages": 50}}, True),
        ({"CACHES": {"pages": {"MAX": 50}}}, True),
        ({"CACHES": {"pages": {"MAX_ENTRIES": 0}}}, True),
        ({"CACHES": {"pages": {"MAX_ENTRIES": 5, "MAX_AGE": None}, "static": {}}}, False),
    ],
)
def test_e003_the_values(settings: object, value: dict, wrong: bool) -> None:
    settings.OFFLINESYNC = value
    messages = ours.check_settings()
    assert ids(messages) == ["offlinesync.E003"] * wrong
    assert all(next(iter(value)) in message.msg for message in messages)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (["rest_framework", "offlinesync", "pwa"], []),
        (["rest_framework", "offlinesync"], []),
        (["rest_framework", "pwa", "offlinesync"], ["offlinesync.E004"]),
        (["offlinesync", "pwa"], ["offlinesync.E005"]),
    ],
)
def test_e004_and_e005_the_other_apps(monkeypatch: pytest.MonkeyPatch, order: list[str], expected: list[str]) -> None:
    configs = [type("Config", (), {"name": name}) for name in order]
    monkeypatch.setattr(ours.apps, "get_app_configs", lambda: configs)
    assert ids(ours.check_installed_apps()) == expected


class FormWithoutSave(forms.Form):
    pass


class NoForm(FormHandler):
    pass


class NoSave(FormHandler):
    form_class = FormWithoutSave


class OwnForm(NoForm):
    def get_form_class(self, submission: object) -> type:
        return FormWithoutSave


class OwnSave(NoSave):
    def save(self, form: object, submission: object) -> None:
        pass


class Bare(Handler):
    pass


class NoFormSet(FormSetHandler):
    pass


class FormSetWithoutSave(FormSetHandler):
    formset_class = forms.formset_factory(FormWithoutSave)


class OrphanedRows(FormSetHandler):
    formset_class = forms.inlineformset_factory(User, User.groups.through, fields=["group"])


class NoSerializer(SerializerHandler):
    pass


class WholeSerializer(SerializerHandler):
    serializer_class = NoteSerializer


class WholeFormSet(FormSetHandler):
    formset_class = forms.modelformset_factory(Note, fields=["title"])


class WholeForm(FormHandler):
    form_class = NoteForm


class Split:
    """A router that parts a model from the others."""

    def __init__(self, model: type) -> None:
        self.model = model

    def db_for_write(self, model: type, **hints: object) -> str:
        return "elsewhere" if model is self.model else "default"


@pytest.mark.parametrize("model", [Note, Submission])
def test_e006_the_ledger_is_where_the_forms_are_saved(monkeypatch: pytest.MonkeyPatch, model: type) -> None:
    assert ours.check_databases() == []
    monkeypatch.setattr(ours.router, "routers", [Split(model)])
    messages = ours.check_databases()
    assert set(ids(messages)) == {"offlinesync.E006"}
    named = {message.obj for message in messages}
    assert Note in named
    assert all("elsewhere" in message.msg and "default" in message.msg for message in messages)


@pytest.mark.parametrize("handler_class", [WholeForm, WholeFormSet, WholeSerializer])
def test_e006_whatever_says_the_model(monkeypatch: pytest.MonkeyPatch, handler_class: type[Handler]) -> None:
    monkeypatch.setattr(registry, "_classes", {"whole": handler_class})
    monkeypatch.setattr(ours.router, "routers", [Split(Note)])
    [message] = ours.check_databases()
    assert (message.id, message.obj) == ("offlinesync.E006", Note)


@pytest.mark.parametrize("value", [[], None, {"PAGES": 5}])
def test_a_broken_dict_is_said_once(settings: object, value: object) -> None:
    settings.ROOT_URLCONF = "tests.python.sampleapp.urls"
    settings.OFFLINESYNC = value
    assert ours.check_databases() == ours.check_handlers() == []
    assert (
        ours.check_urls()
        == pagechecks.check_pages()
        == pagechecks.check_strategies()
        == pagechecks.check_views()
        == []
    )


@pytest.mark.parametrize(
    ("vendor", "options", "warned"),
    [
        ("sqlite", {}, True),
        ("sqlite", {"transaction_mode": "DEFERRED"}, True),
        ("sqlite", {"transaction_mode": "IMMEDIATE"}, False),
        ("sqlite", {"transaction_mode": "exclusive"}, False),
        ("postgresql", {}, False),
    ],
)
def test_w001_sqlite_begins_as_a_writer(
    monkeypatch: pytest.MonkeyPatch, vendor: str, options: dict, warned: bool
) -> None:
    monkeypatch.setattr(connection, "vendor", vendor, raising=False)
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    assert ids(ours.check_sqlite_transactions(databases=["default"])) == ["offlinesync.W001"] * warned
    assert ours.check_sqlite_transactions(databases=None) == []


def test_w002_the_urls_are_included(settings: object) -> None:
    settings.OFFLINESYNC = {}
    settings.ROOT_URLCONF = "django.contrib.auth.urls"
    assert ids(ours.check_urls()) == ["offlinesync.W002"]
    settings.ROOT_URLCONF = "tests.python.sampleapp.urls"
    assert ours.check_urls() == []


def test_no_url_configuration_is_no_business_of_ours(settings: object) -> None:
    del settings.ROOT_URLCONF
    assert ours.check_urls() == []


def test_e002_reaches_the_developer(settings: object) -> None:
    settings.OFFLINESYNC = {"MAX_SUBMISSION": 5}
    with pytest.raises(SystemCheckError, match="offlinesync.E002"):
        call_command("check")


@pytest.mark.parametrize(
    ("handler_class", "said"),
    [
        (NoForm, ["has no form"]),
        (NoSave, ["has a form without save(), FormWithoutSave"]),
        (Bare, ["has no validate()", "has no save()"]),
        (OwnForm, []),
        (OwnSave, []),
        (NoFormSet, ["has no formset"]),
        (FormSetWithoutSave, ["has a formset without save(), FormWithoutSaveFormSet"]),
        (OrphanedRows, ["does not say whose rows it saves"]),
        (WholeFormSet, []),
        (NoSerializer, ["has no serializer"]),
        (WholeSerializer, []),
        (ViewHandler, []),
    ],
)
def test_e008_a_handler_that_cannot_work(
    monkeypatch: pytest.MonkeyPatch, handler_class: type[Handler], said: list[str]
) -> None:
    monkeypatch.setattr(registry, "_classes", {"broken": handler_class})
    messages = ours.check_handlers()
    assert [message.msg for message in messages] == [f"The handler of the form 'broken' {what}." for what in said]
    assert ids(messages) == ["offlinesync.E008"] * len(said)
    assert all(handler_class.__qualname__ in message.hint for message in messages)


def test_w003_a_path_for_each_language(settings: object) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    settings.OFFLINESYNC = {}
    settings.ROOT_URLCONF = "tests.python.sampleapp.language_urls"
    [message] = ours.check_urls()
    assert message.id == "offlinesync.W003"
    assert "/de/offlinesync/submissions/ and /en/offlinesync/submissions/" in message.msg


@pytest.mark.parametrize(
    ("mounted", "replaces", "warned"),
    [
        ("", None, True),
        ("", ["/other.js"], True),
        ("", ["/old/serviceworker.js"], True),
        ("", ["/serviceworker.js"], False),
        ("", ("https://example.org/serviceworker.js",), False),
        ("old/", ["/serviceworker.js"], True),
        ("old/", ["/other.js", "/old/serviceworker.js?v=2"], False),
        ("", "no list", True),
        ("", [None], True),
    ],
)
@pytest.mark.parametrize("own", [None, "/srv/site/worker.js"])
def test_w004_d10_a_worker_of_django_pwa(
    settings: object, mounted: str, replaces: Any, warned: bool, own: str | None
) -> None:
    settings.OFFLINESYNC = {} if replaces is None else {"REPLACES_WORKERS": replaces}
    settings.ROOT_URLCONF = type("urls", (), {"urlpatterns": [path(mounted, include("pwa.urls"))]})
    if own:
        settings.PWA_SERVICE_WORKER_PATH = own
    messages = ours.check_workers()
    assert ids(messages) == ["offlinesync.W004"] * warned
    for message in messages:
        assert f" at /{mounted}serviceworker.js:" in message.msg
        assert (own or "django-pwa serves") in message.msg
        assert f'Add "/{mounted}serviceworker.js" to OFFLINESYNC["REPLACES_WORKERS"]' in message.hint


def test_w004_d10_a_setting_alone_is_reason_enough(settings: object) -> None:
    """The pages of django-pwa have registered it, whether it is still served or not."""
    settings.OFFLINESYNC = {}
    settings.ROOT_URLCONF = "tests.python.sampleapp.urls"
    assert ours.check_workers() == []
    settings.PWA_SERVICE_WORKER_PATH = "/srv/site/worker.js"
    assert ids(ours.check_workers()) == ["offlinesync.W004"]
    settings.OFFLINESYNC = {"REPLACES_WORKERS": ["/serviceworker.js"]}
    assert ours.check_workers() == []


def test_w004_without_django_pwa_there_is_nothing_to_say(settings: object) -> None:
    settings.OFFLINESYNC = {}
    settings.PWA_SERVICE_WORKER_PATH = "/srv/site/worker.js"
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "pwa"]
    assert ours.check_workers() == []
