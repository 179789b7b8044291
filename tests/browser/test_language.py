"""The language of the page in which it was written, whoever delivers it (row C11)."""

from __future__ import annotations

from django.forms import ImageField
from django.utils.translation import override

from . import builds, pages, proxy
from .pages import FORM, LIST, NEUTRAL
from .proxy import SESSION
from .stage import Stage
from .waiting import wait_until


def test_c11_a_form_in_german_is_read_as_german_when_the_worker_delivers_it_under_english(stage: Stage) -> None:
    stage.open(LIST)
    stage.driver.add_cookie({"name": "django_language", "value": "de"})
    stage.proxy.on(SESSION, proxy.refuse)
    stage.open(FORM)
    assert stage.driver.execute_script("return document.forms[0].dataset.offlinesyncLanguage") == "de"
    pages.fill(stage, "Auf Deutsch", file=pages.photo_file(stage, b"this is no picture"))
    pages.submit(stage)
    wait_until(lambda: pages.typed(stage.driver, "title") == "", "it is saved")
    stage.driver.add_cookie({"name": "django_language", "value": "en"})
    stage.proxy.on(SESSION, builds.worker_only)
    stage.open(NEUTRAL)
    wait_until(lambda: pages.entries(stage.driver)[0]["state"] == "refused", "the worker has delivered it")
    (delivery,) = stage.proxy.deliveries
    assert delivery.from_worker
    assert "django_language=en" in delivery.headers["Cookie"]
    (entry,) = pages.entries(stage.driver)
    (error,) = entry["receipt"]["errors"]["photo"]
    with override("de"):
        assert error["message"] == str(ImageField.default_error_messages["invalid_image"])
