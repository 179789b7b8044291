"""The app's style sheet, and what docs/designing.md makes of the outbox."""

from __future__ import annotations

import re

import pytest
from selenium.webdriver.common.by import By

from . import pages, proxy
from .matrix import CHROMIUM_FIRST
from .pages import FORM, LIST
from .proxy import SUBMISSIONS
from .stage import Stage
from .test_entry import named
from .waiting import wait_until

SWITCHED_OFF = {"DJANGO_SETTINGS_MODULE": "tests.browser.switched_off"}
DESIGNED = {"DJANGO_SETTINGS_MODULE": "tests.sites.designed.settings"}
REFUSED, WAITING = (f".letter[data-offlinesync-state={state}]" for state in ("refused", "waiting"))
NAVY, RED, PAPER = "rgb(36, 50, 74)", "rgb(138, 47, 47)", "rgb(253, 248, 236)"
BARE = {
    b"entries": b"<details data-offlinesync-entries><ul data-offlinesync-list></ul></details>",
    b"entry": b"<li><b data-offlinesync-title></b></li>",
}
LINK = re.compile(rb'<link rel="offlinesync-style" href="/static/offlinesync/offlinesync\.[0-9a-f]{12}\.css">')
# The layer is there as soon as the style sheet has arrived.
IS_STYLED_SCRIPT = "return getComputedStyle(document.documentElement).getPropertyValue('--offlinesync-gap') !== '';"
STYLE_SCRIPT = """
const [selector, property] = arguments;
return getComputedStyle(document.querySelector(selector)).getPropertyValue(property);
"""
# What the page names it as, and whether the worker keeps it.
SHEETS_SCRIPT = """
const sheets = [...document.querySelectorAll('head link[href*="/offlinesync/offlinesync."]')];
const said = sheets.map(async ({ rel, href }) => [rel, (await caches.match(href)) !== undefined]);
Promise.all(said).then(arguments[0]);
"""
LETTERS_SCRIPT = "return [...document.querySelectorAll('.letter h3')].map(({ innerText }) => innerText);"
# Smaller than 24 by 24 pixels.
SMALL_SCRIPT = """
const controls = [...document.querySelectorAll("[class^=offlinesync-] :is(button, summary, a)")];
const isSmall = ({ width, height }) => width < 24 || height < 24;
return controls.filter((each) => isSmall(each.getBoundingClientRect())).map(({ textContent }) => textContent);
"""


def style(stage: Stage, selector: str, name: str) -> str:
    """A property of the first element there, as the browser has computed it."""
    return str(stage.driver.execute_script(STYLE_SCRIPT, selector, name))


def wait_for_style(stage: Stage) -> None:
    """Wait until the app's style sheet holds."""
    wait_until(lambda: stage.driver.execute_script(IS_STYLED_SCRIPT), "the style sheet of the app holds")


def press(stage: Stage, selector: str) -> None:
    """Press what is there, whatever is told anew around it meanwhile."""
    stage.driver.execute_script("document.querySelector(arguments[0]).click()", selector)


def letters(stage: Stage) -> list[str]:
    """What is written on the letters that are seen."""
    return list(stage.driver.execute_script(LETTERS_SCRIPT))


def save(stage: Stage, title: str) -> None:
    """Write a post that cannot be sent."""
    pages.write_post(stage, title)
    wait_until(lambda: any(line.startswith("Saved") for line in pages.status(stage.driver)), "it is saved")


def test_a_page_without_a_network_has_its_looks(stage: Stage) -> None:
    pages.keep_pages(stage)
    assert LINK.search(stage.site.get(FORM).body)
    stage.proxy.on(None, proxy.refuse)
    stage.open(FORM)
    wait_for_style(stage)
    assert stage.driver.execute_async_script(SHEETS_SCRIPT) == [["stylesheet", True]]
    save(stage, "With its looks")
    wait_until(lambda: style(stage, ".offlinesync-status", "border-top-style") == "dashed", "it shows what it says")
    stage.open("/posts/7777/")
    assert stage.driver.title == "Offline"
    wait_for_style(stage)


def test_on_a_small_screen_all_fits_and_can_be_hit(stage: Stage) -> None:
    pages.write_post(stage, "A" * 60, file=pages.photo_file(stage, b"this is no picture"))
    wait_until(lambda: pages.errors(stage.driver), "it is refused")
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    save(stage, "Waits")
    stage.open(LIST)
    wait_for_style(stage)
    wait_until(lambda: stage.driver.find_elements(By.CSS_SELECTOR, ".offlinesync-entries[open]"), "the list is open")
    for folded in stage.driver.find_elements(By.CSS_SELECTOR, ".offlinesync-entry details"):
        stage.driver.execute_script("arguments[0].open = true", folded)
    metrics = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": False}
    stage.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    assert stage.driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    assert stage.driver.execute_script(SMALL_SCRIPT) == []


@pytest.mark.parametrize("environment", [SWITCHED_OFF], ids=["off"])
def test_where_the_app_is_switched_off_what_is_left_has_its_looks(stage: Stage) -> None:
    stage.open(LIST)
    wait_for_style(stage)


def test_what_a_template_lacks_is_not_said_and_the_rest_is(stage: Stage) -> None:
    stage.proxy.on(named(stage, "/offlinesync/texts."), proxy.rewriting(with_bare_outbox))
    pages.write_post(stage, "Refused", file=pages.photo_file(stage, b"this is no picture"))
    wait_until(lambda: pages.errors(stage.driver), "it is refused")
    stage.open(LIST)
    shown = "return [...document.querySelectorAll('[data-offlinesync-list] > li')].map(({ innerText }) => innerText);"
    wait_until(lambda: stage.driver.execute_script(shown) == ["Refused"], "the list is open, with what there is in it")


def with_bare_outbox(answer: bytes) -> bytes:
    """The texts with an outbox of a site that shows no more than titles."""
    for name, part in BARE.items():
        whole = re.compile(rb'(<template data-offlinesync-template="%s">).*?(?=</template>)' % name, re.DOTALL)
        answer, found = whole.subn(rb"\1" + part, answer)
        assert found == 1
    return answer


@pytest.mark.parametrize("environment", [DESIGNED], ids=["designed"])
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_an_outbox_of_the_sites_own_looks_and_works_as_it_should(stage: Stage) -> None:
    pages.write_post(stage, "Refused", file=pages.photo_file(stage, b"this is no picture"))
    wait_until(lambda: pages.errors(stage.driver), "it is refused")
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    save(stage, "On its way")
    stage.open(LIST)
    wait_for_style(stage)
    wait_until(lambda: letters(stage) == ["Refused", "On its way"], "both are letters, and the bag is open")
    assert_looks(stage)

    press(stage, f"{REFUSED} [data-offlinesync-open]")
    wait_until(lambda: pages.errors(stage.driver), "the form has its errors")
    assert pages.typed(stage.driver, "title") == "Refused"
    stage.open(LIST)
    wait_until(lambda: letters(stage) == ["Refused", "On its way"], "what was not sent anew is there still")

    press(stage, f"{REFUSED} [data-offlinesync-action=discard]")
    wait_until(lambda: letters(stage) == ["On its way"], "it is burnt")
    press(stage, ".offlinesync-status [data-offlinesync-action=undo]")
    wait_until(lambda: letters(stage) == ["Refused", "On its way"], "it is back")
    press(stage, f"{REFUSED} [data-offlinesync-action=discard]")
    wait_until(lambda: letters(stage) == ["On its way"], "it is burnt for good")

    press(stage, ".letter [data-offlinesync-action=send]")
    wait_until(lambda: any(line.startswith("It could not be sent") for line in pages.status(stage.driver)), "no way")
    stage.proxy.heal()
    press(stage, ".letter [data-offlinesync-action=send]")
    pages.wait_for_post(stage, "On its way")
    wait_until(lambda: not stage.driver.find_elements(By.CSS_SELECTOR, ".letters"), "the bag is gone")


def assert_looks(stage: Stage) -> None:
    """Nothing is left of the app's own outbox, and the status has the colors of the site."""
    assert not stage.driver.find_elements(By.CSS_SELECTOR, ".offlinesync-entries, .offlinesync-entry")
    assert stage.driver.find_elements(By.CSS_SELECTOR, "aside > .offlinesync-outbox > .letters[open]")
    assert "Upload a valid image." in stage.driver.find_element(By.CSS_SELECTOR, f"{REFUSED} .letter-why").text
    looks = {
        (".letters-stack", "display"): "grid",
        (".letter", "background-color"): PAPER,
        (WAITING, "border-top-color"): NAVY,
        (REFUSED, "border-top-color"): RED,
        (".offlinesync-status", "background-color"): NAVY,
        (".offlinesync-status", "border-top-left-radius"): "0px",
    }
    assert {where: style(stage, *where) for where in looks} == looks
