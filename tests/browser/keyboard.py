"""Somebody who has a keyboard and nothing else: what has the focus must be seen, and marked."""

from __future__ import annotations

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from .stage import Stage
from .waiting import wait_until

# More than any page of the demo has places to stop at.
MOST_STOPS = 150
# What sticks to the top of the page must not lie over it (WCAG 2.2, 2.4.11).
FOCUSED_SCRIPT = """
const [selector] = arguments;
const element = document.activeElement;
if (!element?.matches(selector)) return null;
const { left, top, width, height } = element.getBoundingClientRect();
const shown = document.elementFromPoint(left + width / 2, top + height / 2);
const { outlineStyle, outlineWidth } = getComputedStyle(element);
return {
  isSeen: element.contains(shown) || Boolean(shown?.contains(element)) || [...element.labels ?? []].includes(shown),
  isMarked: outlineStyle !== "none" && outlineWidth !== "0px",
};
"""


def press(stage: Stage, *keys: str) -> None:
    """Press and release one key after the other."""
    ActionChains(stage.driver).send_keys(*keys).perform()


def tab_to(stage: Stage, selector: str) -> None:
    """Go on from stop to stop until this is the one."""
    for _ in range(MOST_STOPS):
        press(stage, Keys.TAB)
        if stage.driver.execute_script(FOCUSED_SCRIPT, selector):
            break
    else:
        raise AssertionError(f"{selector} cannot be reached with the tabulator key")
    is_seen = {"isSeen": True, "isMarked": True}
    # The page scrolls to it.
    wait_until(
        lambda: stage.driver.execute_script(FOCUSED_SCRIPT, selector) == is_seen,
        f"{selector} is seen with the focus; it is {stage.driver.execute_script(FOCUSED_SCRIPT, selector)}",
    )


def go(stage: Stage, selector: str) -> None:
    """Go there, and press Enter."""
    tab_to(stage, selector)
    press(stage, Keys.ENTER)


def write(stage: Stage, **texts: str) -> None:
    """Write into the controls of these names, in this order, in place of what they have."""
    for name, text in texts.items():
        tab_to(stage, f"main form [name='{name}']")
        ActionChains(stage.driver).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL).send_keys(text).perform()


def choose(stage: Stage, name: str, value: str) -> None:
    """Go to a group of radio buttons, and on with the arrow key until this one is chosen."""
    tab_to(stage, f"[name='{name}']")
    chosen = f"[name='{name}'][value='{value}']"
    for _ in range(MOST_STOPS):
        if stage.driver.execute_script(f'return document.activeElement.matches("{chosen}:checked")'):
            return
        press(stage, Keys.ARROW_DOWN)
    raise AssertionError(f"{chosen} cannot be reached with the arrow keys")
