"""The whole tour of the demo, with only a keyboard: in English, and in Arabic."""

from __future__ import annotations

import gettext
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django import conf
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import demo_site
import offlinesync

from . import keyboard, pages
from .site import PASSWORD
from .stage import Stage
from .test_stories import TASK, database
from .waiting import wait_until

TITLE = "From the tour"
SUBMIT = "main form button[type=submit]"
CATALOGUES = [Path(package.__file__).parent / "locale" for package in (demo_site, offlinesync, conf)]
# What is read, and what is only heard; a language is named in itself.
TEXTS_SCRIPT = """
const texts = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (element.checkVisibility() && !element.closest("body [lang]")) texts.push(walker.currentNode.data);
}
for (const name of ["aria-label", "alt", "placeholder", "title"]) {
  for (const element of document.querySelectorAll(`[${name}]`)) texts.push(element.getAttribute(name));
}
return [document.title, ...texts].map((text) => text.replace(/\\s+/g, " ").trim());
"""
SHAPE_SCRIPT = """
const { lang, dir, scrollWidth, clientWidth } = document.documentElement;
return { lang, dir, isWide: scrollWidth > clientWidth };
"""


def untranslated(language: str) -> set[str]:
    """The English of everything that has another text in that language."""
    found: set[str] = set()
    for folder in CATALOGUES:
        texts = gettext.translation("django", folder, [language])._catalog  # type: ignore[attr-defined]
        sources = ((key[0] if isinstance(key, tuple) else key, told) for key, told in texts.items())
        found.update(source.split("\4")[-1] for source, told in sources if source and source != told)
    return found


class Tour:
    """Where somebody is, and what has to be so on every page."""

    def __init__(self, stage: Stage, language: str) -> None:
        self.stage = stage
        self.language = language
        self.foreign = untranslated(language) if language != "en" else set()

    def arrive(self, path: str) -> None:
        """The page is there, its client runs, and it is in the reader's language and no wider than the window."""
        wait_until(lambda: urlsplit(self.stage.driver.current_url).path == path, f"{path} opens")
        pages.wait_for_client(self.stage)
        direction = "rtl" if self.language == "ar" else "ltr"
        shape = {"lang": self.language, "dir": direction, "isWide": False}
        assert self.stage.driver.execute_script(SHAPE_SCRIPT) == shape
        self.read()

    def read(self) -> None:
        """Nothing on the page is in English that there is in the reader's language."""
        texts = self.stage.driver.execute_script(TEXTS_SCRIPT)
        assert [text for text in texts if text in self.foreign] == []

    def follow(self, selector: str, path: str) -> None:
        """Go to a link or button, press Enter, and arrive."""
        keyboard.go(self.stage, selector)
        self.arrive(path)

    def menu(self, path: str) -> None:
        """Go by the site's menu."""
        self.follow(f".menu a[href='{path}']", path)

    def waits(self, number: int) -> None:
        """So many entries lie on the device, and the page has said so."""
        wait_until(lambda: pages.outbox(self.stage.driver)["entries"] == number, f"{number} entries are kept")
        counted = "return document.querySelector('.offlinesync-waiting [data-offlinesync-count]')?.textContent"
        expected = str(number) if number else None
        wait_until(lambda: self.stage.driver.execute_script(counted) == expected, f"the page says that {number} wait")
        self.read()

    def find(self, selector: str) -> None:
        """Wait until this is to be seen."""
        shown = "return document.querySelector(arguments[0])?.checkVisibility() ?? false"
        wait_until(lambda: self.stage.driver.execute_script(shown, selector), f"{selector} is there")
        self.read()

    def switch(self, *, is_cut: bool | None = None, server: str | None = None) -> None:
        """Open the panel, move its switches, and close it."""
        keyboard.go(self.stage, ".trial summary")
        if is_cut is not None:
            keyboard.tab_to(self.stage, "[name=demo-network]")
            keyboard.press(self.stage, Keys.SPACE)
            line = self.stage.driver.find_element(By.CSS_SELECTOR, "[data-trial-when=cut]")
            wait_until(lambda: line.is_displayed() == is_cut, f"the network is cut: {is_cut}")
        if server is not None:
            keyboard.choose(self.stage, "demo-server", server)
        self.read()
        self.stage.driver.execute_script("document.activeElement.blur()")
        keyboard.go(self.stage, ".trial summary")


@pytest.fixture
def tour(stage: Stage, language: str) -> Tour:
    """Somebody opens the demo for the first time, and chooses their language."""
    pages.keep_pages(stage)
    tour = Tour(stage, language)
    if language != "en":
        keyboard.go(stage, f".languages [value={language}]")
        wait_until(lambda: stage.driver.execute_script("return document.documentElement.lang") == language, "it is so")
    tour.arrive("/")
    return tour


pytestmark = [pytest.mark.wide, pytest.mark.parametrize("language", ["en", "ar"])]


def test_the_way_past_the_menu_is_the_first_stop(tour: Tour, stage: Stage) -> None:
    stage.driver.execute_script("location.reload()")
    keyboard.press(stage, Keys.TAB)
    skip = stage.driver.switch_to.active_element
    assert skip.get_attribute("class") == "skip"
    keyboard.press(stage, Keys.ENTER, Keys.TAB)
    assert stage.driver.execute_script("return document.activeElement.closest('main') !== null")


def test_a_post_is_written_offline_discarded_taken_back_refused_and_corrected(tour: Tour, stage: Stage) -> None:
    tour.switch(is_cut=True)
    tour.menu("/posts/new/")
    keyboard.write(stage, title=TITLE, location="Coach 9", body="Rain.")
    keyboard.go(stage, SUBMIT)
    tour.waits(1)
    tour.menu("/")
    tour.find(".feed .pending")

    keyboard.go(stage, "[data-offlinesync-entries] > summary")
    keyboard.go(stage, ".offlinesync-discard > summary")
    keyboard.go(stage, "[data-offlinesync-action=discard]")
    tour.waits(0)
    assert stage.driver.execute_script("return document.activeElement.dataset.offlinesyncAction") == "undo"
    keyboard.press(stage, Keys.ENTER)
    tour.waits(1)

    tour.switch(server="refuse")
    tour.switch(is_cut=False)
    tour.find(".offlinesync-attention")
    keyboard.go(stage, ".offlinesync-attention a")
    tour.find(".errorlist li")
    tour.arrive("/posts/new/")
    tour.switch(server="")
    keyboard.write(stage, title=f"{TITLE}, again")
    keyboard.go(stage, SUBMIT)
    tour.arrive("/")
    pages.wait_for_post(stage, f"{TITLE}, again")
    tour.waits(0)


def sign_in(tour: Tour, path: str) -> None:
    """From the menu, and back to the page that one came from or was sent to."""
    keyboard.go(tour.stage, ".menu a[href^='/accounts/login/']")
    tour.arrive("/accounts/login/")
    keyboard.press(tour.stage, "demo1", Keys.TAB, PASSWORD, Keys.ENTER)
    tour.arrive(path)


def test_a_task_is_ticked_off_and_edited_and_what_somebody_else_has_written_is_taken(tour: Tour, stage: Stage) -> None:
    sign_in(tour, "/")
    ((pk,),) = database(stage, "SELECT id FROM tasks_task WHERE title = ?", TASK)
    tour.menu("/tasks/")
    keyboard.go(stage, f"form[action='/tasks/{pk}/done/'] button")
    wait_until(lambda: database(stage, "SELECT done FROM tasks_task WHERE id = ?", pk) == [(1,)], "it is ticked off")
    tour.arrive("/tasks/")
    tour.follow(f".row-actions a[href='/tasks/{pk}/']", f"/tasks/{pk}/")
    database(stage, "UPDATE tasks_task SET notes = 'I have the spare.' WHERE id = ?", pk)
    keyboard.write(stage, notes="No spare is left.")
    keyboard.go(stage, SUBMIT)
    tour.find("[data-offlinesync-take=theirs]")
    keyboard.go(stage, "[data-offlinesync-take=theirs]")
    assert pages.typed(stage.driver, "notes") == "I have the spare."
    keyboard.go(stage, SUBMIT)
    tour.arrive("/tasks/")
    tour.waits(0)


def test_something_is_ordered_and_has_run_out(tour: Tour, stage: Stage) -> None:
    sign_in(tour, "/")
    ((socks,),) = database(stage, "SELECT id FROM shop_product WHERE name = 'Wool socks'")
    tour.menu("/shop/")
    database(stage, "UPDATE shop_product SET stock = 1 WHERE id = ?", socks)
    keyboard.write(stage, **{f"product_{socks}": "2", "name": "Ann", "address": "The hut"})
    keyboard.go(stage, SUBMIT)
    tour.find(".errorlist li")
    keyboard.write(stage, **{f"product_{socks}": "1"})
    keyboard.go(stage, SUBMIT)
    tour.arrive("/shop/orders/")
    assert database(stage, "SELECT quantity FROM shop_orderline") == [(1,)]


def test_an_observation_waits_while_somebody_signs_out_and_goes_out_when_they_are_back(
    tour: Tour, stage: Stage
) -> None:
    sign_in(tour, "/")
    tour.menu("/survey/")
    tour.follow("main a.button", "/survey/new/")
    tour.switch(is_cut=True)
    keyboard.write(stage, site=TITLE)
    keyboard.tab_to(stage, "[name=date]")
    keyboard.press(stage, "05042026")
    keyboard.write(stage, count="7")
    keyboard.choose(stage, "condition", "worn")
    keyboard.go(stage, SUBMIT)
    tour.waits(1)

    keyboard.go(stage, ".menu form button")
    tour.find(".offlinesync-leaving[open]")
    assert stage.driver.execute_script("return document.activeElement.closest('dialog') !== null")
    keyboard.press(stage, Keys.ESCAPE)
    wait_until(lambda: not pages.is_asked(stage.driver), "they stay")
    keyboard.go(stage, ".menu form button")
    tour.find(".offlinesync-leaving[open]")
    keyboard.go(stage, ".offlinesync-leaving [value=leave]")
    tour.find(".offlinesync-sign-in")
    tour.switch(is_cut=False)
    tour.menu("/")
    sign_in(tour, "/")
    pages.wait_for_empty_outbox(stage)
    assert database(stage, "SELECT count FROM survey_observation WHERE site = ?", TITLE) == [(7,)]
    tour.read()
