"""What the outbox delivers is what the browser's own POST would have been, whatever a form holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from . import pages, proxy
from .matrix import ENGINES
from .stage import Stage
from .waiting import wait_until

EVERY = "/every/"
WORDS = "  Grüße – 你好\u2028<b> & “7”%41+ "

# Key by key it would take a minute.
FILL_SCRIPT = """
const [words] = arguments;
const untouched = ["hidden", "submit", "image", "file"];
for (const control of document.querySelectorAll("main input, main textarea, main select")) {
  const { type } = control;
  if (["checkbox", "radio"].includes(type)) control.checked = true;
  else if (type === "select-one") control.selectedIndex = control.options.length - 1;
  else if (type === "select-multiple") for (const option of control.options) option.selected = true;
  else if (type === "color") control.value = "#abcdef";
  else if (!untouched.includes(type) && !control.matches(":disabled")) control.value = words;
}
for (const control of document.querySelectorAll("main textarea")) control.value += "\\n\\nmore";
"""


@pytest.fixture
def environment() -> dict[str, str]:
    return {"DJANGO_SETTINGS_MODULE": "tests.browser.with_urls", "DEMO_URLS": "tests.browser.every_field"}


def posted(stage: Stage) -> list[dict[str, Any]]:
    """What the view has been sent so far."""
    log = stage.site.data / "posted.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def wait_for_posts(stage: Stage, count: int, expected: str) -> None:
    """Wait until the view has been sent so much."""
    wait_until(lambda: len(posted(stage)) == count, expected)


def controls(stage: Stage, selector: str) -> list[WebElement]:
    """Those on the screen."""
    return [control for control in stage.driver.find_elements(By.CSS_SELECTOR, selector) if control.is_displayed()]


def fill_everything(stage: Stage) -> None:
    """Write, tick and choose whatever can be."""
    stage.driver.execute_script(FILL_SCRIPT, WORDS)
    for number, control in enumerate(controls(stage, "input[type=file]")):
        files = [
            some_file(stage, f"{number} ä.png"),
            *([some_file(stage, "b.txt")] if control.get_attribute("multiple") else []),
        ]
        control.send_keys("\n".join(map(str, files)))


def some_file(stage: Stage, name: str) -> Path:
    """A file of its own."""
    return pages.photo_file(stage, name.encode() * 99 + b"\r\n\0", name)


def press(selector: str) -> Callable[[Stage], None]:
    """Press that button."""
    return lambda stage: stage.driver.find_element(By.CSS_SELECTOR, selector).click()


def fill_and_press_second(stage: Stage) -> None:
    fill_everything(stage)
    press("[value^=second]")(stage)


def fill_and_press_return(stage: Stage) -> None:
    fill_everything(stage)
    controls(stage, "[name=outside]")[0].send_keys("once more", Keys.RETURN)


WAYS = {
    "filled, second button": fill_and_press_second,
    "filled, by the return key": fill_and_press_return,
    "untouched, nameless button": press("button:not([name])"),
    "untouched, by a picture": press("[type=image]"),
}


@pytest.mark.wide
@pytest.mark.parametrize("engine", ENGINES)
def test_a_form_arrives_as_the_browser_would_have_posted_it(stage: Stage) -> None:
    pages.deny_background_sync(stage)
    for number, (way, fill_and_press) in enumerate(WAYS.items()):
        stage.proxy.heal()
        stage.open(EVERY + "?plain", until_client_runs=False)
        fill_and_press(stage)
        wait_until(
            lambda known=2 * number: len(posted(stage)) == known + 1, f"{way}: the browser has posted it plainly"
        )
        assert len(stage.site.ledger()) == number

        stage.open(EVERY)
        stage.proxy.on(None, proxy.refuse)
        fill_and_press(stage)
        pages.wait_for_saved(stage, waiting=1, is_denied=True)
        assert len(posted(stage)) == 2 * number + 1
        stage.proxy.heal()
        pages.reload(stage)
        wait_for_posts(stage, 2 * number + 2, f"{way}: the outbox has delivered it")
        pages.wait_for_empty_outbox(stage)

        plainly, offline = posted(stage)[-2:]
        assert offline == plainly, way
        assert len(plainly["fields"]) > (30 if way.startswith("filled") else 10), "the form was filled"
