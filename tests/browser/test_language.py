"""The language of the page in which it was written (row C11), and that of the pages that are kept."""

from __future__ import annotations

import pytest
from django.forms import ImageField
from django.utils.translation import override
from selenium.webdriver.common.by import By

from . import builds, pages, proxy
from .matrix import CHROMIUM_FIRST
from .pages import FORM, LIST, NEUTRAL
from .proxy import SESSION
from .stage import Stage
from .waiting import wait_until

OFFLINE = "/offlinesync/offline/"
NOT_KEPT = "/posts/2/"
LANGUAGES_SCRIPT = """
const [paths, done] = arguments;
const languageOf = async (path) => {
  const kept = await caches.match(path, { ignoreVary: true });
  return /<html lang="([^"]*)"/.exec(await kept.text())[1];
};
Promise.all(paths.map(languageOf)).then(done, (error) => done(String(error)));
"""
LANGUAGE_SCRIPT = "const { lang, dir } = document.documentElement; return `${lang} ${dir}`"


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


def choose_language(stage: Stage, code: str) -> None:
    """Press the button at the foot of the page."""
    button = stage.driver.find_element(By.CSS_SELECTOR, f".languages [value={code}]")
    stage.driver.execute_script("arguments[0].click()", button)
    wait_until(
        lambda: stage.driver.execute_script("return document.documentElement.lang") == code, "the page speaks it"
    )


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_what_is_kept_follows_the_language_that_somebody_chooses(stage: Stage) -> None:
    """The page for what is not kept as well, which is asked for without the cookie that says the language."""
    pages.keep_pages(stage)
    for code in ("ar", "de"):
        choose_language(stage, code)
        wait_until(
            lambda code=code: stage.driver.execute_async_script(LANGUAGES_SCRIPT, [LIST, FORM, OFFLINE]) == [code] * 3,
            "the pages that are kept speak it as well",
        )
    choose_language(stage, "ar")
    pages.wait_until(lambda: stage.driver.execute_async_script(LANGUAGES_SCRIPT, [OFFLINE]) == ["ar"], "it is back")
    stage.proxy.on(None, proxy.refuse)
    for path in (FORM, NOT_KEPT):
        stage.open(path)
        assert stage.driver.execute_script(LANGUAGE_SCRIPT) == "ar rtl"
