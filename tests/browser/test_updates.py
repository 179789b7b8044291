"""Deploys: what has not changed is not fetched again, and a new worker takes over unnoticed (row B13)."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By

from . import builds, deploys, pages, proxy
from .deploys import MODULE, STYLES
from .matrix import CHROMIUM_FIRST, ENGINES
from .pages import FORM, LIST, NEUTRAL
from .proxy import SESSION, SUBMISSIONS
from .stage import Stage
from .waiting import wait_until
from .wire import answer

TITLE = "Half a page before the tunnel"
REST = {"location": "Coach 9", "body": "Rain."}
WAITING_SCRIPT = """
const [done] = arguments;
navigator.serviceWorker.getRegistration().then(({ waiting }) => done(waiting?.state ?? null));
"""
# Resolves with the last state of the next worker.
FATE_SCRIPT = """
const [done] = arguments;
navigator.serviceWorker.getRegistration().then((registration) => {
  registration.addEventListener("updatefound", () => {
    const { installing } = registration;
    installing.addEventListener("statechange", () => {
      if (["activated", "redundant"].includes(installing.state)) done(installing.state);
    });
  }, { once: true });
  return registration.update();
}).catch((error) => done(String(error)));
"""


def without_background_sync(stage: Stage) -> None:
    """The page alone delivers; in Chromium an old worker that delivers as well stays until it is through."""
    pages.deny_background_sync(stage)


@pytest.mark.wide
@pytest.mark.parametrize("engine", ENGINES)
def test_b13_a_deploy_that_changes_one_file_fetches_one_file(stage: Stage) -> None:
    pages.keep_pages(stage)
    deploys.deploy(stage, STYLES)
    changed = deploys.name_of(stage, STYLES)
    stage.proxy.exchanges.clear()
    # The form comes from the network, and page and worker want its style sheet at the same time; the list does not.
    stage.proxy.on(changed, proxy.trickling)
    for path in (FORM, LIST):
        stage.open(path)
    deploys.wait_until_kept(stage, changed, FORM, LIST)
    deploys.look_for_worker(stage)
    assert deploys.files_fetched(stage) == [changed]

    stage.proxy.on(None, proxy.refuse)
    for path in (LIST, FORM):
        deploys.open_from_device(stage, path)
        assert deploys.has_later_styles(stage)
    assert deploys.files_fetched(stage) == [changed]


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_b13_a_deploy_that_changes_one_module_fetches_that_and_the_client(stage: Stage) -> None:
    pages.keep_pages(stage)
    stage.proxy.exchanges.clear()
    with deploys.taking_over(stage):
        deploys.deploy(stage, MODULE)
    changed = [deploys.name_of_client(stage), deploys.name_of(stage, MODULE)]
    deploys.wait_until_kept(stage, changed[0], LIST, FORM, "/offlinesync/offline/")
    for path in (FORM, LIST):
        stage.open(path)
    assert deploys.files_fetched(stage) == changed

    stage.proxy.on(None, proxy.refuse)
    for path in (LIST, FORM):
        deploys.open_from_device(stage, path)
    assert deploys.files_fetched(stage) == changed


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_b13_p3_a_new_worker_takes_over_while_a_page_delivers(stage: Stage) -> None:
    without_background_sync(stage)
    pages.keep_pages(stage)
    gate = proxy.Gate()
    stage.proxy.on(SUBMISSIONS, gate.before_answer)
    pages.write_post(stage, TITLE)
    wait_until(lambda: gate.held, "the page is sending it")
    with deploys.taking_over(stage):
        deploys.deploy_worker(stage)
    gate.open()
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, TITLE)
    assert pages.outbox(stage.driver) == {"entries": 0, "files": 0}
    assert len(stage.proxy.deliveries) == 1


def test_b13_p3_a_new_worker_takes_over_once_the_old_one_has_delivered(stage: Stage) -> None:
    empty_tab = pages.keep_a_tab(stage.driver)
    pages.keep_pages(stage)
    gate = proxy.Gate()
    stage.proxy.on(SESSION, builds.worker_only)
    stage.proxy.on(SUBMISSIONS, gate.before_request)
    pages.write_post(stage, TITLE)
    wait_until(lambda: gate.held, "the worker is sending it")
    pages.leave(stage, empty_tab)
    # A page that runs no script: nothing but the worker delivers.
    stage.open(NEUTRAL)
    deploys.watch(stage)
    deploys.deploy_worker(stage)
    deploys.look_for_worker(stage)
    wait_until(lambda: stage.driver.execute_async_script(WAITING_SCRIPT) == "installed", "the new worker waits")
    gate.open()
    deploys.wait_for_new_worker(stage)
    pages.wait_for_post(stage, TITLE)
    pages.wait_for_empty_outbox(stage)
    (delivery,) = stage.proxy.deliveries
    assert delivery.from_worker
    assert len(stage.site.ledger()) == 1


@pytest.mark.wide
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_b13_p7_a_half_filled_form_outlives_the_take_over(stage: Stage) -> None:
    without_background_sync(stage)
    pages.keep_pages(stage)
    stage.open(FORM)
    stage.driver.find_element(By.NAME, "title").send_keys(TITLE)
    stage.driver.execute_script("window.isTheSamePage = true")
    with deploys.taking_over(stage):
        deploys.deploy(stage, MODULE, STYLES)
    deploys.wait_until_kept(stage, deploys.name_of_client(stage), FORM)
    stage.proxy.on(SESSION, proxy.refuse)
    for name, text in REST.items():
        stage.driver.find_element(By.NAME, name).send_keys(text)
    assert pages.typed(stage.driver, "title") == TITLE
    pages.submit(stage)
    wait_until(lambda: pages.SAVED in pages.status(stage.driver), "it is saved on the device")
    assert stage.driver.execute_script("return window.isTheSamePage")
    stage.proxy.heal()
    stage.driver.execute_script("window.dispatchEvent(new Event('online'))")
    post = pages.wait_for_post(stage, TITLE)
    assert {name: post[name] for name in REST} == REST
    pages.wait_for_empty_outbox(stage)
    assert len(stage.proxy.deliveries) == 1


@pytest.mark.wide
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_b13_a_page_that_the_old_worker_kept_works_under_the_new_one(stage: Stage) -> None:
    """A new worker keeps the site's pages anew for nobody, so that those of an account are from before it."""
    deploys.keep_from_http_cache(stage)
    pages.sign_in(stage, "demo1")
    pages.wait_for_worker(stage)
    old = deploys.name_of_client(stage)
    stage.open(FORM)
    deploys.wait_until_kept(stage, "demo1", FORM, LIST)
    stage.proxy.exchanges.clear()
    with deploys.taking_over(stage):
        deploys.deploy(stage, MODULE, STYLES)
    changed = [deploys.name_of_client(stage), deploys.name_of(stage, STYLES), deploys.name_of(stage, MODULE)]
    assert deploys.files_fetched_to_keep(stage) == changed
    assert old not in changed
    stage.proxy.heal()
    stage.proxy.on(None, proxy.refuse)

    deploys.open_from_device(stage, FORM)
    assert old in stage.driver.page_source
    assert "demo1" in stage.driver.page_source
    assert not deploys.has_later_styles(stage)
    pages.fill(stage, TITLE)
    pages.submit(stage)
    pages.wait_for_saved(stage, waiting=1)
    stage.proxy.heal()
    stage.open(LIST)
    pages.wait_for_post(stage, TITLE)
    pages.wait_for_empty_outbox(stage)
    assert [row["owner"] for row in stage.site.ledger()] == [stage.site.user_id("demo1")]


@pytest.mark.wide
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_b13_a_worker_that_cannot_be_installed_leaves_the_old_one_in_place(stage: Stage) -> None:
    deploys.keep_from_http_cache(stage)
    pages.keep_pages(stage)
    old = deploys.name_of_client(stage)
    deploys.watch(stage)
    deploys.deploy(stage, MODULE, STYLES)
    stage.proxy.on(deploys.name_of(stage, MODULE), proxy.answering(lambda exchange: answer(404)))
    assert stage.driver.execute_async_script(FATE_SCRIPT) == "redundant"
    assert stage.driver.execute_script("return window.takenOver") is False
    stage.proxy.heal()
    stage.proxy.on(None, proxy.refuse)

    deploys.open_from_device(stage, LIST)
    deploys.open_from_device(stage, FORM)
    assert old in stage.driver.page_source
    assert not deploys.has_later_styles(stage)
    pages.fill(stage, TITLE)
    pages.submit(stage)
    pages.wait_for_saved(stage, waiting=1)
    # Once the module is there the new worker comes: no other keeps these pages.
    stage.proxy.heal()
    stage.open(NEUTRAL)
    deploys.look_for_worker(stage)
    deploys.wait_until_kept(stage, deploys.name_of_client(stage), LIST, FORM)
    stage.open(LIST)
    pages.wait_for_post(stage, TITLE)
    pages.wait_for_empty_outbox(stage)
