"""What is made, edited and ticked off before the site has heard of it comes to the site in that order, once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from . import pages, proxy
from .matrix import CHROMIUM_FIRST
from .proxy import SUBMISSIONS
from .stage import Stage
from .waiting import wait_until

TASKS = "/tasks/"
SUBMIT_SCRIPT = """
const [form, data, options, done] = arguments;
offlinesync.submit(form, data, options).then(({ id }) => done(id), (error) => done(String(error)));
"""
TASK = {"title": "Milk", "location": "open", "body": "for the hut"}


@pytest.fixture
def environment() -> dict[str, str]:
    return {"DJANGO_SETTINGS_MODULE": "tests.browser.with_urls", "DEMO_URLS": "tests.browser.tasks"}


def submit(stage: Stage, form: str, data: dict[str, Any], **options: Any) -> str:
    """Hand something over, and take its id."""
    return str(stage.driver.execute_async_script(SUBMIT_SCRIPT, form, data, options))


def done(stage: Stage) -> list[Any]:
    """What the site has done, in its order."""
    log = stage.site.data / "tasks.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def open_both(stage: Stage) -> tuple[str, str]:
    """Two tabs of the page."""
    stage.open(TASKS)
    first = stage.driver.current_window_handle
    stage.driver.switch_to.new_window("tab")
    stage.open(TASKS)
    return first, stage.driver.current_window_handle


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p6_e2_a_task_made_edited_and_ticked_off_offline_in_two_tabs_is_all_of_it(stage: Stage) -> None:
    first, second = open_both(stage)
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    stage.driver.switch_to.window(first)
    made = submit(stage, "new task", TASK, group="milk")
    stage.driver.switch_to.window(second)
    submit(stage, "edit task", {"title": "Milk and bread"}, target=made, group="milk")
    stage.driver.switch_to.window(first)
    submit(stage, "edit task", {"location": "done"}, target=made, group="milk")
    assert len(pages.entries(stage.driver)) == 3
    stage.proxy.heal()
    stage.open(TASKS)
    pages.wait_for_empty_outbox(stage)
    post = pages.only_post(stage, "Milk and bread")
    assert (post["location"], post["body"]) == ("done", "for the hut")
    key = str(post["id"])
    assert done(stage) == [
        ["new task", None, TASK],
        ["edit task", key, {"title": "Milk and bread"}],
        ["edit task", key, {"location": "done"}],
    ]


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p6_e2_what_names_another_waits_for_it(stage: Stage) -> None:
    """The first one is not taken at once: what follows is not refused for that."""
    stage.open(TASKS)
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    made = submit(stage, "new task", {**TASK, "location": ""}, group="milk")
    submit(stage, "after", {**TASK, "title": "Bread", "body": made}, refs=["body"], group="milk")
    stage.proxy.heal()
    stage.open(TASKS)
    wait_until(lambda: "refused" in [entry["state"] for entry in pages.entries(stage.driver)], "the first is refused")
    assert [entry["state"] for entry in pages.entries(stage.driver)] == ["refused", "waiting"]
    assert done(stage) == []
