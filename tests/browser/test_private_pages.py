"""Signing out: nothing private stays behind in a cache, and nothing unsent is lost (rows D6 and D7)."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By

from . import pages, proxy
from .matrix import CHROMIUM_FIRST, ENGINES
from .pages import FORM, LIST, NEUTRAL
from .proxy import SUBMISSIONS
from .stage import Stage
from .waiting import wait_until

# Stands on each page that is rendered for its owner, and on none for anybody else.
CANARY = "demo1"
# Those in the demo's PAGES.
NAMED_PAGES = 6
NEXT = "demo2"
MENU_SIGN_OUT = "nav form button"
# No driver waits for what comes of it.
LATER_CLICK = "const [button] = arguments; setTimeout(() => button.click())"
SIGN_OUT = "/accounts/logout/"
NAME_ACTION = """
const [button] = arguments;
button.after(Object.assign(document.createElement("input"), { type: "hidden", name: "action", value: "leave" }));
"""
ELSEWHERE_PATH = "/i18n/elsewhere/"
ELSEWHERE = f"arguments[0].setAttribute('formaction', '{ELSEWHERE_PATH}')"
SIGNED_OUT_HERE = "You are signed out on this device. The site is told as soon as it can be reached."
WAITS_FOR_SIGN_IN = "Something on this device is waiting for its owner to sign in. Sign in"
# Everything that scripts of the origin can read: caches, databases and the small storages.
SEARCH_DEVICE = """
const [word, done] = arguments;
const result = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
async function inCaches(found) {
  let searched = 0;
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const response = await cache.match(request);
      // One that has gone in the meantime is not there.
      const text = response ? JSON.stringify([...response.headers]) + (await response.text()) : "";
      searched += 1;
      if (text.includes(word)) found.push(`${name} ${request.url}`);
    }
  }
  return searched;
}
async function inDatabases(found) {
  for (const { name } of await indexedDB.databases()) {
    const database = await result(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      const records = await result(database.transaction(store).objectStore(store).getAll());
      if (JSON.stringify(records).includes(word)) found.push(`${name} ${store}`);
    }
    database.close();
  }
}
(async () => {
  const found = [];
  const searched = await inCaches(found);
  await inDatabases(found);
  if (JSON.stringify([localStorage, sessionStorage]).includes(word)) found.push("a storage");
  return { found, searched };
})().then(done, (error) => done(String(error)));
"""
PLAIN_SIGN_OUT = """
const [done] = arguments;
(async () => {
  const session = await (await fetch("/offlinesync/session/")).json();
  await fetch("/accounts/logout/", { method: "POST", headers: { [session.csrf_header]: session.csrf_token } });
})().then(done, (error) => done(String(error)));
"""
IS_ANOTHER = "return window.beforeSignOut === undefined && document.readyState === 'complete'"
IS_HIDDEN = "return document.documentElement.hidden || document.readyState !== 'complete'"


def shown(stage: Stage) -> str:
    """The page on the screen. WebKitGTK's driver sometimes loses its page when it is asked for the source."""
    return str(stage.driver.execute_script("return document.documentElement.outerHTML"))


def shown_again(stage: Stage) -> str:
    """The list as the site shows it now."""
    stage.open(LIST)
    return shown(stage)


def found_on_device(stage: Stage, word: str) -> list[str]:
    """Where the device holds the word."""
    answer = stage.driver.execute_async_script(SEARCH_DEVICE, word)
    assert answer["searched"] > 0, "there was nothing to search"
    return list(answer["found"])


def see_private_pages(stage: Stage) -> None:
    """Sign in, and look at the pages that the worker keeps, until they are kept; each bears the person's name."""
    pages.keep_pages(stage)
    pages.sign_in(stage, CANARY)
    for path in (LIST, FORM, LIST):
        stage.open(path)
        wait_until(lambda: CANARY in shown(stage), "the page is theirs")
    wait_until(lambda: len(found_on_device(stage, CANARY)) == NAMED_PAGES, "all that PAGES names is kept for them")


def press_sign_out(stage: Stage) -> None:
    """Sign out by the form in the menu, until another page is there."""
    pages.wait_for_client(stage)
    stage.driver.execute_script("window.beforeSignOut = true")
    stage.driver.find_element(By.CSS_SELECTOR, MENU_SIGN_OUT).click()
    wait_until(lambda: stage.driver.execute_script(IS_ANOTHER), "another page is there")


def wait_until_gone(stage: Stage) -> None:
    """Wait until nothing on the device bears the private word."""
    stage.open(NEUTRAL)
    wait_until(lambda: found_on_device(stage, CANARY) == [], "the device has nothing of theirs")


def see_nothing_of_theirs(stage: Stage) -> None:
    """Look at every kept page without the site: none bears the private word."""
    stage.proxy.on(None, proxy.refuse)
    for path in (LIST, FORM, "/nowhere/"):
        stage.open(path)
        wait_until(lambda: stage.driver.title in ("Posts", "Write a post", "Offline"), "a kept page is shown")
        assert CANARY not in shown(stage)
    assert found_on_device(stage, CANARY) == []
    stage.proxy.heal()


def sign_in_next(stage: Stage) -> None:
    """Somebody else signs in, and sees the pages as theirs."""
    stage.open(NEUTRAL)
    stage.open("/accounts/login/")
    pages.give_credentials(stage, NEXT)
    pages.wait_for_title(stage.driver, "Posts")
    for path in (LIST, FORM):
        stage.open(path)
        wait_until(lambda: NEXT in shown(stage), "the page is theirs")
        assert CANARY not in shown(stage)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p8_d6_nothing_is_left_of_who_has_signed_out(stage: Stage) -> None:
    see_private_pages(stage)
    press_sign_out(stage)
    wait_until_gone(stage)
    see_nothing_of_theirs(stage)
    sign_in_next(stage)
    see_nothing_of_theirs(stage)


@pytest.mark.wide
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p8_d6_nothing_is_left_of_who_has_signed_out_with_no_network(stage: Stage) -> None:
    see_private_pages(stage)
    stage.open(FORM)
    stage.proxy.on(None, proxy.refuse)
    press_sign_out(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.wait_for_status(stage.driver, SIGNED_OUT_HERE)
    assert CANARY not in shown(stage)
    assert found_on_device(stage, CANARY) == []
    see_nothing_of_theirs(stage)
    # The site hears of it before it gives out any page.
    stage.open(LIST)
    wait_until(lambda: pages.status(stage.driver) == [], "the site has been told")
    assert CANARY not in shown(stage)
    assert stage.proxy.requests("/accounts/logout/")
    stage.open("/accounts/logout/")
    assert "You are not signed in." in shown(stage)
    sign_in_next(stage)
    see_nothing_of_theirs(stage)


@pytest.mark.wide
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p8_the_site_is_told_though_the_page_is_left_while_it_signs_out(stage: Stage) -> None:
    pages.sign_in(stage, CANARY)
    wait_until(lambda: CANARY in shown_again(stage), "the page is theirs")
    pages.wait_for_client(stage)
    gate = proxy.Gate()
    stage.proxy.on(proxy.SESSION, gate.before_request)
    stage.driver.execute_script(LATER_CLICK, stage.driver.find_element(By.CSS_SELECTOR, MENU_SIGN_OUT))
    wait_until(lambda: gate.held, "the site is about to be told")
    # It never is, by this page, and whoever goes elsewhere gets there.
    stage.open(NEUTRAL)
    assert not stage.proxy.requests(SIGN_OUT)
    gate.open()
    stage.open(LIST)
    wait_until(lambda: CANARY not in shown_again(stage), "the site has been told")


@pytest.mark.wide
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p8_the_site_is_told_though_the_form_does_not_arrive(stage: Stage) -> None:
    see_private_pages(stage)
    stage.proxy.on(SIGN_OUT, proxy.once(proxy.refuse))
    pages.wait_for_client(stage)
    stage.driver.execute_script(LATER_CLICK, stage.driver.find_element(By.CSS_SELECTOR, MENU_SIGN_OUT))
    wait_until(lambda: stage.proxy.requests(SIGN_OUT), "the form is posted")
    wait_until_gone(stage)
    stage.open(LIST)
    wait_until(lambda: CANARY not in shown_again(stage), "the site has been told")
    sign_in_next(stage)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_the_form_that_signs_out_is_posted_once(stage: Stage) -> None:
    """A view that wants somebody to be signed in would lead a second one to the sign-in page."""
    see_private_pages(stage)
    press_sign_out(stage)
    wait_until(lambda: pages.status(stage.driver) == [], "the page knows that the site has been told")
    (sent,) = [exchange for exchange in stage.proxy.requests(SIGN_OUT) if exchange.method == "POST"]
    assert b"csrfmiddlewaretoken=" in sent.body
    wait_until_gone(stage)
    assert stage.proxy.requests(SIGN_OUT) == [sent]


@pytest.mark.wide
def test_a_form_that_signs_out_may_have_a_control_named_action(stage: Stage) -> None:
    see_private_pages(stage)
    stage.driver.execute_script(NAME_ACTION, stage.driver.find_element(By.CSS_SELECTOR, MENU_SIGN_OUT))
    press_sign_out(stage)
    wait_until_gone(stage)
    assert stage.proxy.requests(SIGN_OUT)


def test_a_button_that_leads_elsewhere_signs_nobody_out(stage: Stage) -> None:
    see_private_pages(stage)
    button = stage.driver.find_element(By.CSS_SELECTOR, MENU_SIGN_OUT)
    stage.driver.execute_script(ELSEWHERE, button)
    button.click()
    wait_until(lambda: stage.proxy.requests(ELSEWHERE_PATH), "it is posted as the button says")
    stage.open(LIST)
    wait_until(lambda: CANARY in shown(stage), "the page is theirs still")
    assert not stage.proxy.requests(SIGN_OUT)


@pytest.mark.wide
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p8_nothing_is_left_when_the_next_person_signs_in(stage: Stage) -> None:
    see_private_pages(stage)
    sign_in_next(stage)
    wait_until_gone(stage)
    see_nothing_of_theirs(stage)


@pytest.mark.wide
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p8_nothing_is_left_of_who_has_signed_out_in_another_way(stage: Stage) -> None:
    see_private_pages(stage)
    stage.driver.execute_async_script(PLAIN_SIGN_OUT)
    stage.open(FORM)
    wait_until_gone(stage)
    see_nothing_of_theirs(stage)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p8_a_page_is_kept_for_its_owner_and_opens_for_them(stage: Stage) -> None:
    see_private_pages(stage)
    stage.proxy.on(None, proxy.refuse)
    for path, title in ((LIST, "Posts"), (FORM, "Write a post")):
        stage.open(path)
        pages.wait_for_title(stage.driver, title)
        assert CANARY in shown(stage)
    pages.wait_for_client(stage)
    pages.fill(stage, "By its owner")
    pages.submit(stage)
    pages.wait_for_saved(stage, waiting=1)
    stage.proxy.heal()
    stage.open(LIST)
    pages.wait_for_post(stage, "By its owner")
    assert [row["owner"] for row in stage.site.ledger()] == [stage.site.user_id(CANARY)]


@pytest.mark.wide
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("away", [False, True], ids=["there", "away"])
def test_p8_a_page_that_comes_after_its_owner_has_signed_out_is_not_kept(stage: Stage, away: bool) -> None:
    see_private_pages(stage)
    gate = proxy.Gate()
    stage.proxy.on(FORM, gate.before_answer)
    # A page for its owner is on its way in another tab.
    before = pages.new_tab(stage.driver)
    stage.open(NEUTRAL)
    stage.driver.execute_script("location.assign(arguments[0])", stage.url + FORM)
    wait_until(lambda: gate.held, "the page is on its way")
    stage.driver.switch_to.window(before)
    if away:
        stage.proxy.on(proxy.SESSION, proxy.refuse)
    press_sign_out(stage)
    wait_until(lambda: found_on_device(stage, CANARY) == [], "the device has nothing of theirs")
    wait_until(
        lambda: stage.driver.execute_script("return document.readyState") == "complete", "nobody's list is there"
    )
    gate.open()
    stage.proxy.heal()
    # What the worker looks at after it, it has kept after it.
    stage.open(LIST)
    wait_until_gone(stage)
    see_nothing_of_theirs(stage)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p8_a_page_to_which_somebody_goes_back_after_the_sign_out_is_not_shown(stage: Stage) -> None:
    see_private_pages(stage)
    stage.open(FORM)
    press_sign_out(stage)
    stage.driver.back()
    wait_until(lambda: CANARY not in shown(stage) or stage.driver.execute_script(IS_HIDDEN), "it is not shown")
    wait_until(lambda: CANARY not in shown(stage), "it is another page")


def test_d7_what_waits_survives_signing_out_and_is_its_owner_s(stage: Stage) -> None:
    pages.sign_in(stage, "demo1")
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    file = pages.photo_file(stage, pages.photo())
    pages.save_unsent(stage, "Left behind", file=file)
    (before,) = pages.entries(stage.driver)
    pages.sign_out(stage)
    pages.wait_for_status(stage.driver, WAITS_FOR_SIGN_IN)
    # It is tried until the session ends, which each time is written down.
    tried = {"failures": 0, "pause": None, "trouble": None}
    (after,) = pages.entries(stage.driver)
    assert {**after, **tried} == {**before, **tried}
    assert pages.outbox(stage.driver) == {"entries": 1, "files": 1}

    stage.open(NEUTRAL)
    stage.proxy.heal()
    pages.sign_in(stage, "demo2")
    pages.write_post(stage, "By the next person")
    pages.wait_for_post(stage, "By the next person")
    pages.wait_for_title(stage.driver, "Posts")
    pages.sign_out(stage)
    # The link to an entry opens it for its owner only.
    stage.open(f"{FORM}#offlinesync-{before['id']}")
    assert pages.typed(stage.driver, "title") == ""
    assert not stage.site.posts("Left behind")
    pages.sign_in(stage, "demo1")
    post = pages.wait_for_post(stage, "Left behind")
    assert stage.site.photo_of(post) == pages.photo()
    pages.wait_for_empty_outbox(stage)
    owners = [row["owner"] for row in stage.site.ledger()]
    assert owners == [stage.site.user_id("demo2"), stage.site.user_id("demo1")]
