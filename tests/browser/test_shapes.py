"""Forms that come later, stand in dialogs or are filled by scripts are forms like any other."""

from __future__ import annotations

import json

import pytest
from selenium.webdriver.common.by import By

from . import pages, proxy
from .matrix import CHROMIUM_FIRST, ENGINES
from .proxy import SUBMISSIONS
from .stage import Stage
from .waiting import wait_until

SHAPES = "/shapes/"
WORDS = "From within"
# As htmx does it, and everybody else: the answer's markup becomes part of the page.
INSERT_SCRIPT = """
const [done] = arguments;
fetch("/shapes/fragment/").then((answer) => answer.text()).then((html) => {
  document.getElementById("inserted").innerHTML = html;
  done();
});
"""
OPEN_DIALOG_SCRIPT = "document.querySelector('dialog').showModal()"
CLOSE_DIALOG_SCRIPT = "document.querySelector('dialog [method=dialog] button').click()"
IN_DIALOG_SCRIPT = (
    "return document.querySelector('dialog').contains(document.querySelector('[data-offlinesync-status]'))"
)
# How editors write what was typed into the field that is sent.
EDITORS = {
    "on_submit": """
        const form = document.querySelector("#editor form");
        form.addEventListener("submit", () => {
          form.elements.words.value = form.querySelector("[contenteditable]").innerHTML;
        });
    """,
    "on_formdata": """
        const form = document.querySelector("#editor form");
        form.addEventListener("formdata", ({ formData }) => {
          formData.set("words", form.querySelector("[contenteditable]").innerHTML);
        });
    """,
    "before_anybody_else": """
        addEventListener("submit", ({ target }) => {
          target.elements.words.value = target.querySelector("[contenteditable]").innerHTML;
        }, true);
    """,
}


@pytest.fixture
def environment() -> dict[str, str]:
    return {"DJANGO_SETTINGS_MODULE": "tests.browser.with_urls", "DEMO_URLS": "tests.browser.shapes"}


@pytest.fixture
def page(stage: Stage) -> Stage:
    """The page, and no worker that would be quicker than it."""
    pages.deny_background_sync(stage)
    stage.open(SHAPES)
    return stage


def sent(stage: Stage) -> list[list[str]]:
    """What the view has been sent."""
    log = stage.site.data / "words.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def press(stage: Stage, within: str) -> None:
    """Press the button of the form in there."""
    stage.driver.find_element(By.CSS_SELECTOR, f"{within} form button[type=submit]").click()


def write_offline(stage: Stage, within: str) -> None:
    """Write into the form in there while the site is away, and be told that it is saved."""
    stage.proxy.on(None, proxy.refuse)
    stage.driver.find_element(By.CSS_SELECTOR, f"{within} [name=words]").send_keys(WORDS)
    press(stage, within)
    pages.wait_for_saved(stage, waiting=1, is_denied=True)


def wait_for_entries(stage: Stage, count: int, expected: str) -> None:
    """Wait until so many lie on the device."""
    wait_until(lambda: len(pages.entries(stage.driver)) == count, expected)


def arrives_once(stage: Stage, words: str = WORDS) -> None:
    """The network is back, and the view is sent the words once."""
    stage.proxy.heal()
    stage.open(SHAPES)
    wait_until(lambda: sent(stage), "it has arrived")
    pages.wait_for_empty_outbox(stage)
    assert sent(stage) == [[words]]


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_a_form_that_is_inserted_later_is_saved_and_sent(page: Stage) -> None:
    page.driver.execute_async_script(INSERT_SCRIPT)
    write_offline(page, "#inserted")
    arrives_once(page)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_a_form_in_a_dialog_is_saved_and_the_dialog_says_so(page: Stage) -> None:
    page.driver.execute_script(OPEN_DIALOG_SCRIPT)
    write_offline(page, "dialog")
    assert page.driver.execute_script(IN_DIALOG_SCRIPT)
    assert page.driver.find_element(By.CSS_SELECTOR, "[data-offlinesync-status]").is_displayed()
    page.driver.execute_script(CLOSE_DIALOG_SCRIPT)
    wait_until(lambda: not page.driver.execute_script(IN_DIALOG_SCRIPT), "the page says it when the dialog is closed")
    pages.wait_for_saved(page, waiting=1, is_denied=True)
    assert page.driver.find_element(By.CSS_SELECTOR, "[data-offlinesync-status]").is_displayed()
    arrives_once(page)


@pytest.mark.wide
@pytest.mark.parametrize("engine", ENGINES)
def test_what_an_editor_writes_into_its_field_is_saved(page: Stage) -> None:
    expected = []
    # From the beginning: the next page sends what the one before it has saved.
    page.proxy.on(SUBMISSIONS, proxy.refuse)
    for editor, script in EDITORS.items():
        page.proxy.on(None, proxy.forward)
        page.open(SHAPES)
        page.driver.execute_script(script)
        page.proxy.on(None, proxy.refuse)
        page.driver.find_element(By.CSS_SELECTOR, "#editor [contenteditable]").send_keys(" words")
        press(page, "#editor")
        wait_for_entries(page, len(expected) + 1, f"{editor}: it is saved")
        ((name, words),) = pages.entries(page.driver)[-1]["fields"]
        # Where the caret stands at first is the engine's choice.
        assert (name, "Rich" in words, "words" in words) == ("words", True, True), editor
        expected.append([words])
    page.proxy.heal()
    page.open(SHAPES)
    pages.wait_for_empty_outbox(page)
    assert sent(page) == expected


def test_p9_a_search_is_none_of_our_business(page: Stage) -> None:
    page.driver.find_element(By.CSS_SELECTOR, "#search [name=search]").send_keys("nothing")
    page.driver.find_element(By.CSS_SELECTOR, "#search button").click()
    wait_until(lambda: "/api/posts/?search=nothing" in page.driver.current_url, "the browser has gone there")
