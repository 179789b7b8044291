"""Whoever signs out and has left something on the device is asked what is to become of it (P2, P4)."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from . import pages, proxy
from .matrix import CHROMIUM_FIRST
from .pages import FORM
from .proxy import SUBMISSIONS
from .stage import Stage
from .waiting import wait_until

SIGN_OUT = ".menu form[data-offlinesync-sign-out] button"
WAITS_FOR_SIGN_IN = "Something on this device is waiting for its owner to sign in. Sign in"


@pytest.fixture
def leaving(stage: Stage) -> Stage:
    """Somebody who has saved a post that the site does not get, and presses the button."""
    pages.sign_in(stage, "demo1")
    stage.open(FORM)
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    pages.fill(stage, "Left on the device")
    pages.submit(stage)
    wait_until(lambda: "Waiting to be sent: 1" in pages.status(stage.driver), "it is saved")
    stage.driver.find_element(By.CSS_SELECTOR, SIGN_OUT).click()
    wait_until(lambda: pages.is_asked(stage.driver), "they are asked")
    return stage


def dialog(stage: Stage) -> str:
    """What the dialog says."""
    return " ".join(stage.driver.find_element(By.CSS_SELECTOR, ".offlinesync-leaving").text.split())


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p4_it_stays_on_the_device_and_goes_out_once_they_are_back(leaving: Stage) -> None:
    stage = leaving
    assert "Kept on this device, and not at the site yet: 1" in dialog(stage)
    pages.choose(stage.driver, "leave")
    pages.wait_for_title(stage.driver, "Posts")
    pages.wait_for_status(stage.driver, WAITS_FOR_SIGN_IN)
    stage.proxy.heal()
    pages.sign_in(stage, "demo1")
    pages.wait_for_post(stage, "Left on the device")


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_it_is_sent_first_and_they_are_signed_out_then(leaving: Stage) -> None:
    stage = leaving
    pages.choose(stage.driver, "send")
    wait_until(lambda: "Not everything could be sent." in dialog(stage), "it cannot be sent, and the page says so")
    stage.proxy.heal()
    pages.choose(stage.driver, "send")
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, "Left on the device")
    assert pages.outbox(stage.driver)["entries"] == 0
    assert not stage.driver.find_elements(By.CSS_SELECTOR, SIGN_OUT)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_they_stay_signed_in(leaving: Stage) -> None:
    stage = leaving
    stage.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    wait_until(lambda: not pages.is_asked(stage.driver), "the dialog is gone")
    assert stage.driver.title == "Write a post"
    stage.driver.find_element(By.CSS_SELECTOR, SIGN_OUT).click()
    wait_until(lambda: pages.is_asked(stage.driver), "they are asked again")
    pages.choose(stage.driver, "stay")
    wait_until(lambda: not pages.is_asked(stage.driver), "the dialog is gone")
    stage.proxy.heal()
    stage.open(FORM)
    pages.wait_for_post(stage, "Left on the device")
