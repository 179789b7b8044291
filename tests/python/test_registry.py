"""Which handler answers for which form."""

import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.forms import ModelForm
from django.views import View

import offlinesync
from offlinesync import registry


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_classes", dict(registry._classes))


class AHandler(offlinesync.Handler):
    pass


def test_register_decorates() -> None:
    @offlinesync.register("decorated")
    class Decorated(offlinesync.Handler):
        pass

    assert type(registry.get("decorated")) is Decorated
    assert registry.get("decorated").name == "decorated"


def test_register_may_be_called_and_one_class_may_answer_twice() -> None:
    assert offlinesync.register("one", AHandler) is AHandler
    offlinesync.register("two", AHandler)
    assert (registry.get("one").name, registry.get("two").name) == ("one", "two")


def test_every_submission_gets_a_handler_of_its_own() -> None:
    offlinesync.register("one", AHandler)
    assert registry.get("one") is not registry.get("one")


def test_a_name_nobody_has_registered() -> None:
    assert registry.get("nobody's") is None


def test_two_handlers_for_one_name_are_both_named() -> None:
    offlinesync.register("one", AHandler)
    with pytest.raises(ImproperlyConfigured) as raised:

        @offlinesync.register("one")
        class Another(offlinesync.Handler):
            pass

    assert "test_registry.AHandler" in str(raised.value)
    assert "Another" in str(raised.value)
    assert type(registry.get("one")) is AHandler


@pytest.mark.parametrize("name", ["", "x" * 256, None, AHandler])
def test_a_name_the_ledger_cannot_keep_is_refused(name: object) -> None:
    with pytest.raises(ImproperlyConfigured, match="1 to 255 characters"):
        offlinesync.register(name)


class AView(View):
    pass


@pytest.mark.parametrize("something", [AView, ModelForm, AHandler("x"), "AHandler", lambda name: AHandler(name)])
def test_what_is_no_handler_is_refused_by_its_name(something: object) -> None:
    """It would be found only when somebody's words have arrived, and then at every delivery."""
    with pytest.raises(ImproperlyConfigured, match="AView|ModelForm|AHandler|lambda") as raised:
        offlinesync.register("no handler", something)
    assert "offlinesync.FormHandler" in str(raised.value)
    assert not registry.is_registered("no handler")


def test_a_name_is_looked_up_without_making_a_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AHandler, "__init__", None)
    offlinesync.register("one", AHandler)
    assert registry.is_registered("one")
    assert not registry.is_registered("nobody's")


def test_offline_py_of_every_app_is_found() -> None:
    assert {"note", "private note"} <= set(registry.names())
    assert registry.names() == sorted(registry.names())


def test_the_package_can_be_imported_before_the_apps_are_loaded() -> None:
    """Django imports it while it reads INSTALLED_APPS."""
    subprocess.run([sys.executable, "-c", "import offlinesync; offlinesync.register"], check=True, env={})
