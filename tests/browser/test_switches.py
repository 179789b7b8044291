"""The panel "Try it" of the demo: a network that is cut for one browser, and a server that fails for it."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from . import pages, proxy
from .matrix import CHROMIUM_FIRST, ENGINES, wide
from .pages import FORM, LIST, NEUTRAL
from .proxy import SESSION, SUBMISSIONS
from .stage import Stage
from .test_connection import OFFLINE, OFFLINE_FORM, wait_for_connection
from .waiting import wait_until
from .wire import WORKER

TITLE = "Written with the cable cut"
NETWORK = "[name=demo-network]"
CUT = "The network is cut for this browser"
NOT_KEPT = "/posts/2/"
SENDING = "Saved on this device. It is being sent."
REFUSED = "The site did not accept this. It is kept on this device: correct it here and send it again."

# What the panel says with its switches out of sight.
STATES_SCRIPT = """
const lines = [...document.querySelectorAll(".trial strong")];
return lines.filter((line) => !line.hidden).map((line) => line.innerText);
"""
# As the page has it before somebody goes to the panel.
FOCUS_SCRIPT = "document.querySelector('[name=username]').focus()"
# As a page would that has the switch, and no client.
MEND_SCRIPT = "navigator.serviceWorker.controller.postMessage({ type: 'network', isCut: false })"
# The worker says that it has been woken, and goes on as it is.
WAKENING = """
{
  const listen = self.addEventListener.bind(self);
  const noted = (listener) => (event) => {
    caches.open("the worker has been woken");
    listener(event);
  };
  self.addEventListener = (type, listener) => listen(type, type === "sync" ? noted(listener) : listener);
}
"""
IS_WOKEN_SCRIPT = "caches.has('the worker has been woken').then(arguments[0])"


def states(stage: Stage) -> list[str]:
    """What the panel says that is not as it should be."""
    return list(stage.driver.execute_script(STATES_SCRIPT))


def wait_for_states(stage: Stage, *expected: str) -> None:
    """Wait until the panel says just this."""
    wait_until(lambda: states(stage) == list(expected), f"the panel says {expected}")


def press(stage: Stage, selector: str) -> None:
    """Open the panel if it is closed, and press one of its switches."""
    panel = stage.driver.find_element(By.CSS_SELECTOR, ".trial")
    if panel.get_property("open") is False:
        click(stage, panel.find_element(By.TAG_NAME, "summary"))
    switch = panel.find_element(By.CSS_SELECTOR, selector)
    wait_until(switch.is_displayed, f"{selector} is there to be pressed")
    click(stage, switch)


def click(stage: Stage, element: WebElement) -> None:
    """Press it wherever it stands by now: the status grows above it, and a driver would click where it has been."""
    stage.driver.execute_script("arguments[0].click()", element)


def cut(stage: Stage) -> None:
    """Cut the network by the switch on the page; what has been asked of the site so far is forgotten."""
    press(stage, NETWORK)
    wait_for_states(stage, CUT)
    stage.proxy.exchanges.clear()


def mend(stage: Stage) -> None:
    """Switch the network back on, on the page."""
    press(stage, NETWORK)
    wait_for_states(stage)


def tell_server(stage: Stage, value: str) -> None:
    """Have the server do something else with what this browser sends."""
    press(stage, f"[name=demo-server][value='{value}']")


def reached(stage: Stage) -> list[str]:
    """What has got through to the site; the browser itself looks for a new worker past all of them."""
    return [exchange.path for exchange in stage.proxy.exchanges if exchange.path != WORKER]


def arrives_once(stage: Stage, *, seconds: float = 30) -> None:
    """The post is there once, and nothing is left on the device."""
    pages.wait_for_post(stage, TITLE, seconds=seconds)
    pages.wait_for_empty_outbox(stage)
    assert len(stage.site.ledger()) == 1
    pages.only_post(stage, TITLE)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p1_p3_what_is_written_while_the_network_is_cut_arrives_once_when_it_is_back(stage: Stage) -> None:
    pages.keep_pages(stage)
    assert states(stage) == []
    cut(stage)

    pages.write_post(stage, TITLE)
    pages.wait_for_saved(stage, waiting=1)
    wait_for_connection(stage, OFFLINE_FORM)
    stage.open(LIST)
    pages.wait_for_title(stage.driver, "Posts")
    wait_for_connection(stage, OFFLINE)
    assert stage.driver.find_element(By.CSS_SELECTOR, ".feed .pending h2").text == TITLE
    stage.open(NOT_KEPT)
    pages.wait_for_title(stage.driver, "Offline")
    wait_for_states(stage, CUT)
    assert reached(stage) == []

    mend(stage)
    arrives_once(stage)
    stage.open(NOT_KEPT)
    pages.wait_for_title(stage.driver, "A post")


@pytest.mark.wide
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_the_switch_holds_for_every_tab(stage: Stage) -> None:
    pages.keep_pages(stage)
    cut(stage)
    pages.write_post(stage, TITLE)
    pages.wait_for_saved(stage, waiting=1)
    pages.reload(stage)
    wait_for_states(stage, CUT)
    first = pages.new_tab(stage.driver)
    second = stage.driver.current_window_handle
    stage.open(FORM)
    wait_for_states(stage, CUT)
    wait_for_connection(stage, OFFLINE_FORM)
    assert reached(stage) == []

    stage.driver.switch_to.window(first)
    mend(stage)
    arrives_once(stage)
    stage.driver.switch_to.window(second)
    wait_for_states(stage)


@pytest.mark.wide
@pytest.mark.parametrize("engine", ENGINES)
def test_the_switch_outlives_the_browser(stage: Stage) -> None:
    pages.keep_pages(stage)
    cut(stage)
    stage.browser.stop()
    stage.browser.start()
    # Chromium asks the site beside a worker that it has to start, and shows what the worker says.
    stage.open(NOT_KEPT)
    pages.wait_for_title(stage.driver, "Offline")
    wait_for_states(stage, CUT)


def test_the_worker_sends_nothing_either_until_the_network_is_back(stage: Stage) -> None:
    stage.proxy.on(WORKER, proxy.rewriting(lambda body: WAKENING.encode() + body))
    pages.keep_pages(stage)
    stage.open(NEUTRAL)
    witness = pages.new_tab(stage.driver)
    stage.open(FORM)
    cut(stage)
    pages.fill(stage, TITLE)
    pages.submit(stage)
    pages.wait_for_saved(stage, waiting=1)
    stage.driver.close()
    stage.driver.switch_to.window(witness)

    # No page of the site is left that sends anything.
    wait_until(lambda: stage.driver.execute_async_script(IS_WOKEN_SCRIPT), "the worker has been woken to send it")
    assert pages.outbox(stage.driver)["entries"] == 1
    assert reached(stage) == []
    stage.driver.execute_script(MEND_SCRIPT)
    arrives_once(stage, seconds=60)


@pytest.mark.wide
def test_a_page_that_goes_past_the_worker_sends_nothing_either(stage: Stage) -> None:
    """As after a reload with Shift, which gets the page from the site."""
    pages.keep_pages(stage)
    pages.deny_background_sync(stage)
    stage.open(FORM)
    cut(stage)
    pages.fill(stage, TITLE)
    pages.submit(stage)
    pages.wait_for_saved(stage, waiting=1, is_denied=True)

    stage.driver.execute_cdp_cmd("Page.reload", {"ignoreCache": True})
    wait_until(lambda: reached(stage), "the page comes from the site")
    wait_for_states(stage, CUT)
    wait_for_connection(stage, OFFLINE_FORM)
    assert not stage.driver.execute_script("return navigator.serviceWorker.controller")
    assert not stage.proxy.requests(SESSION) + stage.proxy.requests(SUBMISSIONS)

    mend(stage)
    arrives_once(stage)


@pytest.mark.wide
@pytest.mark.parametrize(
    ("engine", "is_stopped"),
    [("chromium", False), ("chromium", True), wide("firefox", False), wide("webkitgtk", False)],
)
def test_what_the_browser_sends_past_the_app_fails_as_well(stage: Stage, is_stopped: bool) -> None:
    """A form with a password is never captured."""
    pages.keep_pages(stage)
    stage.open("/accounts/login/")
    cut(stage)
    if is_stopped:
        stage.driver.execute_cdp_cmd("ServiceWorker.enable", {})
        stage.driver.execute_cdp_cmd("ServiceWorker.stopAllWorkers", {})
    stage.driver.execute_script(FOCUS_SCRIPT)
    pages.give_credentials(stage, "demo1")
    pages.wait_for_title(stage.driver, "Offline")
    assert reached(stage) == []
    mend(stage)
    pages.sign_in(stage, "demo1")


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p2_what_the_server_is_told_to_refuse_is_sent_again_once_it_is_not(stage: Stage) -> None:
    stage.open(FORM)
    tell_server(stage, "refuse")
    wait_for_states(stage, "The server refuses")
    pages.fill(stage, TITLE)
    pages.submit(stage)
    pages.wait_for_status(stage.driver, REFUSED)
    (told,) = pages.errors(stage.driver)["id_title_error"]
    assert told.startswith("The server was told to refuse this")
    assert pages.typed(stage.driver, "title") == TITLE
    assert not stage.site.posts(TITLE)

    tell_server(stage, "")
    wait_for_states(stage)
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    arrives_once(stage)
    first, second = (exchange.ids for exchange in stage.proxy.deliveries)
    assert first == second


@pytest.mark.wide
def test_a_server_that_is_told_to_be_slow_is_waited_for(stage: Stage) -> None:
    stage.open(FORM)
    tell_server(stage, "slow")
    wait_for_states(stage, "The server is slow")
    pages.fill(stage, TITLE)
    pages.submit(stage)
    pages.wait_for_status(stage.driver, SENDING, "Waiting to be sent: 1")
    assert stage.driver.find_elements(By.CSS_SELECTOR, "main form button[aria-busy=true]")
    assert not stage.site.posts(TITLE)
    arrives_once(stage)


@pytest.mark.wide
def test_b12_a_server_that_is_told_to_answer_503_is_left_alone_for_a_while(stage: Stage) -> None:
    pages.keep_pages(stage)
    stage.open(FORM)
    tell_server(stage, "503")
    wait_for_states(stage, "The server answers 503")
    pages.fill(stage, TITLE)
    pages.submit(stage)
    pages.wait_for_saved(stage, waiting=1)
    wait_until(
        lambda: [line for line in pages.connection(stage.driver) if line.startswith("The site is having trouble.")],
        "the page says that the site is having trouble",
    )
    assert {exchange.status for exchange in stage.proxy.requests(SUBMISSIONS)} == {503}

    tell_server(stage, "")
    arrives_once(stage, seconds=60)
