"""Every state that a visitor may see, for the tests of its looks and for the pictures of it."""

from __future__ import annotations

from collections.abc import Callable

from selenium.webdriver.remote.webdriver import WebDriver

from . import pages
from .stage import Stage
from .states_of_entries import ENTRIES
from .states_of_forms import FORM_STATES
from .states_of_pages import PAGE_STATES
from .test_conflicts import database, somebody_else_writes
from .test_designing import wait_for_style

# The demo with a form, besides, that edits a post.
ENVIRONMENT = {"DJANGO_SETTINGS_MODULE": "tests.browser.with_urls", "DEMO_URLS": "tests.browser.editing"}
ALL = [*ENTRIES, *FORM_STATES, *PAGE_STATES]
STATES: dict[str, Callable[[Stage], None]] = {state.__name__: state for state in ALL}
# Pages of the demo that are there with nothing on the device.
PAGES = [
    "/",
    "/posts/new/",
    "/posts/1/",
    "/tasks/",
    "/tasks/1/",
    "/shop/",
    "/shop/orders/",
    "/survey/",
    "/survey/new/",
    "/accounts/login/",
    "/accounts/logout/",
    "/offlinesync/offline/",
    "/nowhere/",
]
# And those that somebody has to be signed in for, or that say more then.
PAGES_OF_ACCOUNTS = ["/", "/posts/new/", "/tasks/", "/tasks/1/", "/shop/", "/shop/orders/", "/accounts/logout/"]
DEVICE = {"deviceScaleFactor": 1, "mobile": False}
WIDTHS = {"desktop": 1200, "phone": 360}
SCHEMES = ("light", "dark")


def show(stage: Stage, name: str) -> None:
    """Bring a state about on a stage that may have been in another one."""
    clear(stage)
    pages.keep_pages(stage)
    STATES[name](stage)
    wait_for_style(stage)


def clear(stage: Stage) -> None:
    """Leave nothing of an earlier state on the device, nor at the site."""
    stage.proxy.heal()
    # What is held is with the worker, too, which would wait for it for half a minute.
    stage.proxy.cut()
    stage.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    pages.allow_background_sync(stage)
    stage.driver.execute_cdp_cmd("Storage.overrideQuotaForOrigin", {"origin": stage.url})
    stage.open(pages.NEUTRAL)
    stage.driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": stage.url, "storageTypes": "all"})
    # The tab keeps what it has carried from page to page.
    stage.driver.execute_script("sessionStorage.clear()")
    stage.proxy.exchanges.clear()
    database(stage, "DELETE FROM posts_post WHERE location = 'Coach 9'")
    database(stage, "DELETE FROM survey_observation WHERE site = 'Coach 9'")
    database(stage, "DELETE FROM offlinesync_submission")
    somebody_else_writes(stage, "Well 14, measured twice")


def look(
    driver: WebDriver, width: int, scheme: str = "light", *, height: int = 900, motion: str = "no-preference"
) -> None:
    """Have the page on the screen drawn so wide, in a colour scheme, and with motion or without."""
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**DEVICE, "width": width, "height": height})
    features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": motion}
    media = {"features": [{"name": name, "value": value} for name, value in features.items()]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    # The status sticks to the top, over what has been scrolled away.
    driver.execute_script("scrollTo(0, 0)")
