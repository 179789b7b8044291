"""How each state looks and what is read of it: nothing wrong, nothing cut off, nothing unsaid (WCAG 2.2 AA)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import pages, states
from .axe import findings
from .conftest import OpenStage
from .matrix import wide
from .site import ROOT
from .stage import Stage
from .test_designing import wait_for_style
from .test_switches import CUT, NETWORK, press, tell_server, wait_for_states
from .tree import Tree
from .waiting import wait_until

# What `make test` looks at: a form with its errors, the list of what waits, and a dialog.
FIRST = ("refused_in_its_form", "waiting_in_the_outbox", "asked_before_signing_out")
SPOKEN = ROOT / "tests/browser/spoken.txt"
NARROW = 320
# What sticks out of the page, or of an element of the app that shows no more than fits into it.
CUT_OFF_SCRIPT = """
const page = document.documentElement;
const found = page.scrollWidth > page.clientWidth ? [`the page is ${page.scrollWidth} pixels wide`] : [];
const tell = (element, what) => found.push(`${element.outerHTML.slice(0, 80)} ${what}`);
for (const element of document.querySelectorAll("[class^=offlinesync-], [class^=offlinesync-] *, main form *")) {
  // What is only read aloud.
  if (element.closest(".unseen")) continue;
  const { left, right, width } = element.getBoundingClientRect();
  if (width && (left < -0.5 || right > page.clientWidth + 0.5)) tell(element, "sticks out");
  // What is typed into a control may be longer than it.
  const isControl = element.matches("input, textarea, select, progress");
  const isBox = getComputedStyle(element).display !== "inline" && !isControl;
  if (isBox && element.scrollWidth > element.clientWidth + 1) tell(element, "is cut off");
}
return found;
"""
AGE = '"Shown from this device, as it was on …"'
TURN_SCRIPT = "document.documentElement.dir = arguments[0]"
MOVING_SCRIPT = """
return document.getAnimations().map((animation) => animation.animationName ?? animation.transitionProperty);
"""


@pytest.fixture(scope="module")
def shared(open_stage: OpenStage) -> Iterator[Stage]:
    """One browser and one site for this module."""
    with open_stage(environment=states.ENVIRONMENT) as opened:
        yield opened


@pytest.fixture(scope="module", params=[name if name in FIRST else wide(name) for name in states.STATES])
def state(request: pytest.FixtureRequest, shared: Stage) -> str:
    """A state that the stage is in, for all tests of it."""
    states.show(shared, request.param)
    return str(request.param)


@pytest.fixture
def stage(shared: Stage) -> Iterator[Stage]:
    """The shared stage; it looks as before when a test is done."""
    yield shared
    shared.driver.execute_script(TURN_SCRIPT, "ltr")
    states.look(shared.driver, states.WIDTHS["desktop"])


def spoken() -> dict[str, list[str]]:
    """What is read of each state: its name, and below it a line for each sentence and each control."""
    found: dict[str, list[str]] = {}
    for line in SPOKEN.read_text().splitlines():
        if line.startswith("    "):
            found[list(found)[-1]].append(line.strip())
        else:
            found[line] = []
    return found


def assert_clean(stage: Stage) -> None:
    """Nothing is wrong with what is on the screen, and nothing is left for somebody to look at."""
    for scheme in states.SCHEMES:
        for width in states.WIDTHS.values():
            states.look(stage.driver, width, scheme)
            assert findings(stage.driver) == {"violations": [], "incomplete": []}, f"{width} pixels wide, {scheme}"


def assert_fits(stage: Stage) -> None:
    """Nothing is cut off, once what is on its way to the page is there."""
    wait_until(lambda: stage.driver.execute_script(CUT_OFF_SCRIPT) == [], "nothing sticks out, and nothing is cut off")


def assert_whole(stage: Stage) -> None:
    """Neither is anything wrong, nor is anything cut off at four times the size."""
    wait_for_style(stage)
    assert_clean(stage)
    states.look(stage.driver, NARROW)
    assert_fits(stage)


def test_all_of_it_is_read(stage: Stage, state: str) -> None:
    expected = without_age(spoken()[state], state)
    wait_until(lambda: without_age(Tree(stage.driver).lines(), state) == expected, f"what is read is {expected}")


def without_age(lines: list[str], state: str) -> list[str]:
    """Whether a list that was opened just after a form was posted comes from the device is a matter of moments."""
    return [line for line in lines if line != AGE or state == "kept_page"]


def test_axe_finds_nothing(stage: Stage, state: str) -> None:
    assert_clean(stage)


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_nothing_is_lost_at_four_times_the_size(stage: Stage, state: str, direction: str) -> None:
    stage.driver.execute_script(TURN_SCRIPT, direction)
    states.look(stage.driver, NARROW, height=256)
    assert_fits(stage)


def test_nothing_moves_for_who_wants_no_motion(stage: Stage, state: str) -> None:
    states.look(stage.driver, states.WIDTHS["phone"], motion="reduce")
    assert stage.driver.execute_script(MOVING_SCRIPT) == []


@pytest.mark.parametrize("path", [path if path == "/" else wide(path) for path in states.PAGES])
def test_nothing_is_wrong_with_a_page(stage: Stage, path: str) -> None:
    states.clear(stage)
    stage.open(path)
    assert_whole(stage)


@pytest.mark.parametrize("path", [wide(path) for path in states.PAGES_OF_ACCOUNTS])
def test_nothing_is_wrong_with_a_page_of_somebody_who_is_signed_in(stage: Stage, path: str) -> None:
    states.clear(stage)
    pages.sign_in(stage, "demo1")
    stage.open(path)
    assert stage.driver.current_url == stage.url + path
    assert_whole(stage)


@pytest.mark.wide
def test_nothing_is_wrong_with_the_switches(stage: Stage) -> None:
    states.clear(stage)
    pages.keep_pages(stage)
    tell_server(stage, "503")
    press(stage, NETWORK)
    wait_for_states(stage, CUT, "The server answers 503")
    assert_whole(stage)
