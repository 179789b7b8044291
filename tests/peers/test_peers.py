"""The comparison can tell the two apart: where one loses a post, the other keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import absent
from tests.browser.engines import BrowserMissing
from tests.browser.network import missing_for_network
from tests.browser.site import prepare

from .contenders import App, Contender, Workbox, opened
from .experiments import answers
from .record import counts, outcome

pytestmark = pytest.mark.wide
ANSWER = "503_retry_after"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's data folder."""
    missing = missing_for_network()
    if missing:
        absent(missing)
    return prepare(tmp_path_factory.mktemp("peers"))


@pytest.mark.parametrize(("contender", "expected"), [(Workbox(), "lost"), (App(), "once")], ids=["workbox", "app"])
def test_b2_workbox_loses_on_an_answer_that_the_app_sits_out(
    template: Path, contender: Contender, expected: str
) -> None:
    try:
        with opened(contender, template) as stage:
            (case,) = answers(contender, stage, (ANSWER,))
    except BrowserMissing as reason:
        absent(str(reason))
    assert outcome(case) == expected
    assert counts([case])[expected] == 1
