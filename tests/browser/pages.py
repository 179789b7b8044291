"""What the tests do on the demo's pages, and what they read there."""

from __future__ import annotations

import io
import random
from pathlib import Path

from PIL import Image
from selenium.common.exceptions import JavascriptException, TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver

from .site import PASSWORD
from .stage import CLIENT_RUNS_SCRIPT, Stage
from .waiting import wait_until

SAVED = "Saved on this device. Open this site again when you are online, and it will be sent."
SAVED_SYNC = "Saved on this device. It will be sent when you are online, even if you close this page."
FORM = "/posts/new/"
LIST = "/"
# A page of the site that runs no script: what looks at the outbox from here starts no delivery.
NEUTRAL = "/api/posts/"
OUTBOX = "offlinesync:/offlinesync/"

# An outbox that is missing must not be made by looking at it: the app would find its database without stores.
COUNT_SCRIPT = """
const [name, stores, done] = arguments;
const request = indexedDB.open(name);
request.onupgradeneeded = () => request.transaction.abort();
request.onerror = () => done(Object.fromEntries(stores.map((store) => [store, 0])));
request.onsuccess = () => {
  const database = request.result;
  const transaction = database.transaction(stores);
  const counts = {};
  for (const store of stores) {
    const counting = transaction.objectStore(store).count();
    counting.onsuccess = () => { counts[store] = counting.result; };
  }
  transaction.oncomplete = () => { database.close(); done(counts); };
};
"""
ENTRIES_SCRIPT = """
const [name, done] = arguments;
const request = indexedDB.open(name);
request.onupgradeneeded = () => request.transaction.abort();
request.onerror = () => done([]);
request.onsuccess = () => {
  const reading = request.result.transaction("entries").objectStore("entries").getAll();
  reading.onsuccess = () => { request.result.close(); done(reading.result); };
};
"""
FORGET_SCRIPT = """
const [name, stores, done] = arguments;
const request = indexedDB.open(name);
request.onupgradeneeded = () => request.transaction.abort();
request.onerror = () => done();
request.onsuccess = () => {
  const transaction = request.result.transaction(stores, "readwrite");
  for (const store of stores) transaction.objectStore(store).clear();
  transaction.oncomplete = () => { request.result.close(); done(); };
};
"""
KEPT_SCRIPT = """
const [paths, done] = arguments;
(async () => {
  if (!navigator.serviceWorker?.controller) return false;
  const kept = await Promise.all(paths.map((path) => caches.match(path, { ignoreVary: true })));
  return kept.every(Boolean);
})().then(done, (error) => done(String(error)));
"""
LINES_SCRIPT = """
const [isOfConnection] = arguments;
const connection = ".offlinesync-connection, .offlinesync-sending, .offlinesync-trouble";
return [...document.querySelectorAll("[data-offlinesync-status] > :not(.offlinesync-updated)")].flatMap((line) => {
  if (line.matches(connection) !== isOfConnection) return [];
  const shown = line.cloneNode(true);
  for (const button of shown.querySelectorAll("button")) button.remove();
  return [shown.textContent.replace(/\\s+/g, " ").trim()];
});
"""
# A click of the driver's own would wait for what comes of it.
PRESS_SCRIPT = "setTimeout(() => document.querySelector('main form button[type=submit]').click())"
# As on a site whose own texts lack one.
LOSE_TEXT = """
const { querySelector } = Document.prototype;
Document.prototype.querySelector = function (selector) {
  return selector === 'template[data-offlinesync-template="%s"]' ? null : querySelector.call(this, selector);
};
"""
# A tag that the app's worker doesn't know: one that is tried at once is gone a moment later, one that waits is not.
SYNC_WAITS_SCRIPT = """
const [done] = arguments;
(async () => {
  const { sync } = await navigator.serviceWorker.ready;
  const tag = `probe-${Math.random()}`;
  await sync.register(tag);
  for (let look = 0; look < 10; look++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (!(await sync.getTags()).includes(tag)) return false;
  }
  return true;
})().then(done, () => done(false));
"""
# The app's time limits in a tenth of their time.
FASTER_SCRIPT = """
const { setTimeout } = window;
window.setTimeout = (callback, delay, ...more) => setTimeout(callback, delay / 10, ...more);
"""
FOCUS_SCRIPT = "return document.readyState === 'complete' && document.activeElement.name"
SYNC_TAGS_SCRIPT = """
const [done] = arguments;
navigator.serviceWorker.ready.then(({ sync }) => sync.getTags()).then(done);
"""


def photo(*, width: int = 64, seed: int = 1) -> bytes:
    """A PNG of noise, the same one for the same seed."""
    pixels = random.Random(seed).randbytes(width * width * 3)
    file = io.BytesIO()
    Image.frombytes("RGB", (width, width), pixels).save(file, "PNG")
    return file.getvalue()


def photo_file(stage: Stage, content: bytes, name: str = "seat.png") -> Path:
    """A file for the form's file input, in the stage's own folder."""
    file = stage.site.data.parent / name
    file.write_bytes(content)
    return file


def before_load(stage: Stage, script: str) -> dict[str, str]:
    """Run a script on each page of the current tab before any of the page's own; what takes it away again."""
    return dict(stage.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script}))


def reload(stage: Stage) -> None:
    """Reload the page as its reader would. WebDriver's own reload goes past the worker in Firefox."""
    stage.driver.execute_script("window.beforeReload = true; location.reload()")
    fresh = "return window.beforeReload === undefined && document.readyState === 'complete'"
    wait_until(lambda: stage.driver.execute_script(fresh), "the page has been reloaded")


def wait_for_client(stage: Stage) -> None:
    """Wait until the client of the page on the screen runs. `Stage.open` has done so already."""
    wait_until(lambda: stage.driver.execute_script(CLIENT_RUNS_SCRIPT), "the client runs")


def fill(stage: Stage, title: str, *, file: Path | None = None) -> None:
    """Write a post into the form on the screen."""
    for name, text in {"title": title, "location": "Coach 9", "body": "Rain.\nThen none."}.items():
        control = stage.driver.find_element(By.NAME, name)
        control.clear()
        control.send_keys(text)
    if file is not None:
        stage.driver.find_element(By.NAME, "photo").send_keys(str(file))


def submit(stage: Stage) -> None:
    """Press the form's button."""
    if stage.browser.name == "WebKitGTK":
        # A line of the status may come in above the button, and its driver would click where that has been.
        return stage.driver.execute_script(PRESS_SCRIPT)
    return stage.driver.find_element(By.CSS_SELECTOR, "main form button[type=submit]").click()


def write_post(stage: Stage, title: str, *, file: Path | None = None) -> None:
    """Open the form, write a post and press the button."""
    stage.open(FORM)
    fill(stage, title, file=file)
    submit(stage)


def typed(driver: WebDriver, name: str) -> str:
    """What stands in a control."""
    return str(driver.find_element(By.NAME, name).get_property("value"))


def shorten_limits(driver: WebDriver) -> None:
    """Have the app on this page wait a tenth of its time from now on."""
    driver.execute_script(FASTER_SCRIPT)


def status(driver: WebDriver) -> list[str]:
    """The lines of the live status, without their buttons; `connection` and `is_updated` have the others."""
    return list(driver.execute_script(LINES_SCRIPT, False))


def connection(driver: WebDriver) -> list[str]:
    """What the live status says of the connection, and of what goes over it just now."""
    return list(driver.execute_script(LINES_SCRIPT, True))


def wait_for_status(driver: WebDriver, *lines: str) -> None:
    """Wait until the live status says just this."""
    wait_until(lambda: status(driver) == list(lines), f"the status says {lines}; it says {status(driver)}")


def is_updated(driver: WebDriver) -> bool:
    """Whether the page says that there is a newer version of it."""
    return bool(driver.find_elements(By.CSS_SELECTOR, "[data-offlinesync-status] > .offlinesync-updated"))


def wait_for_saved(stage: Stage, *, waiting: int, is_denied: bool = False) -> None:
    """Wait until the page says what is true: saved, and so many are waiting; by itself where its sync is denied."""
    promise = SAVED_SYNC if stage.browser.has_sync_manager and not is_denied else SAVED
    wait_for_status(stage.driver, promise, f"Waiting to be sent: {waiting}")


def errors(driver: WebDriver) -> dict[str, list[str]]:
    """The field errors on the screen, by the id of their list."""
    lists = driver.find_elements(By.CSS_SELECTOR, "form ul.errorlist")
    return {
        str(found.get_attribute("id")): [item.text for item in found.find_elements(By.TAG_NAME, "li")]
        for found in lists
    }


def wait_for_title(driver: WebDriver, title: str) -> None:
    """Wait for a page by the title that names it."""
    wait_until(lambda: driver.title == title, f"the page is {title!r}; it is {driver.title!r}")


def wait_for_worker(stage: Stage) -> None:
    """Wait until the worker serves this page, and keeps the list and the form."""
    wait_until(
        lambda: stage.driver.execute_async_script(KEPT_SCRIPT, [LIST, FORM, "/offlinesync/offline/"]) is True,
        "the worker is active and keeps the demo's pages",
    )


def outbox(driver: WebDriver) -> dict[str, int]:
    """How many records lie in each store of the outbox; the current page must be one of the site's.

    What has been accepted leads to another page, and the look at the one before ends with it: without an answer, or
    at once with an error that says so, or speaks of a timeout.
    """

    def look() -> dict[str, int] | None:
        try:
            counts: dict[str, int] | None = driver.execute_async_script(COUNT_SCRIPT, OUTBOX, ["entries", "files"])
        except (JavascriptException, TimeoutException) as error:
            if "unloaded" not in str(error.msg) and "script timeout" not in str(error.msg):
                raise
            return None
        return counts

    return dict(wait_until(look, "a page that stays says what lies in the outbox"))


def entries(driver: WebDriver) -> list[dict[str, object]]:
    """The outbox's entries, in the order of saving."""
    return list(driver.execute_async_script(ENTRIES_SCRIPT, OUTBOX))


def press_in_list(stage: Stage, selector: str) -> None:
    """Click on what stands in the list of what is kept, clear of the status that sticks to the top of the page."""
    element = stage.driver.find_element(By.CSS_SELECTOR, f"[data-offlinesync-entries] {selector}")
    stage.driver.execute_script("arguments[0].scrollIntoView({ block: 'center' })", element)
    element.click()


def forget_entries(stage: Stage) -> None:
    """Remove all entries from the device, for the next test on this stage."""
    stage.open(NEUTRAL)
    stage.driver.execute_async_script(FORGET_SCRIPT, OUTBOX, ["entries", "files"])


def wait_for_empty_outbox(stage: Stage, *, seconds: float = 30) -> None:
    """Wait until nothing is left on the device."""
    wait_until(lambda: outbox(stage.driver) == {"entries": 0, "files": 0}, "the outbox is empty", seconds=seconds)


def wait_for_post(stage: Stage, title: str, *, seconds: float = 30) -> dict[str, object]:
    """Wait until the site has the post, and make sure that it has it once."""
    wait_until(lambda: stage.site.posts(title), f"the post {title!r} has arrived", seconds=seconds)
    return only_post(stage, title)


def only_post(stage: Stage, title: str) -> dict[str, object]:
    """The post, of which there must be one."""
    found = stage.site.posts(title)
    assert len(found) == 1, f"the site has {title!r} {len(found)} times"
    return found[0]


def sign_in(stage: Stage, username: str) -> None:
    """Sign in through the demo's own page."""
    stage.open("/accounts/login/")
    give_credentials(stage, username)
    wait_for_title(stage.driver, "Posts")


def give_credentials(stage: Stage, username: str) -> None:
    """Fill in the demo's sign-in page, and send it.

    The page puts the cursor into its first field, and WebKitGTK's driver may be typing into the second one by then.
    """
    wait_until(lambda: stage.driver.execute_script(FOCUS_SCRIPT) == "username", "the cursor is in the first field")
    stage.driver.find_element(By.NAME, "username").send_keys(username)
    stage.driver.find_element(By.NAME, "password").send_keys(PASSWORD)
    submit(stage)


def sign_out(stage: Stage) -> None:
    """Sign out through the demo's own page."""
    stage.open("/accounts/logout/")
    # The status comes in above the button, and WebKitGTK's driver would click where that has been.
    stage.driver.execute_script(PRESS_SCRIPT)
    wait_until(lambda: stage.driver.title == "Posts" or is_asked(stage.driver), "they are signed out, or asked")
    if stage.driver.title != "Posts":
        choose(stage.driver, "leave")
    wait_for_title(stage.driver, "Posts")


def is_asked(driver: WebDriver) -> bool:
    """Whether the page asks what is to become of what has not been sent."""
    return bool(driver.find_elements(By.CSS_SELECTOR, ".offlinesync-leaving[open]"))


def choose(driver: WebDriver, value: str) -> None:
    """Press one of the buttons of that dialog."""
    driver.find_element(By.CSS_SELECTOR, f".offlinesync-leaving [value={value}]").click()


def is_online(driver: WebDriver) -> bool:
    """What the browser believes of its network."""
    return bool(driver.execute_script("return navigator.onLine"))


def wait_for_offline(stage: Stage) -> None:
    """Wait until Chromium's background sync knows that its link is down.

    No other engine has anything that goes by what the browser believes, and Firefox does not notice a link whose
    address stays while it goes down (row B11).
    """
    if not stage.browser.has_sync_manager:
        return
    wait_until(lambda: not is_online(stage.driver), "the browser notices that the link is down")
    # Background sync hears of it up to a second later than the pages: a sync that is registered before is tried in
    # vain, and then rests for five minutes.
    wait_until(lambda: stage.driver.execute_async_script(SYNC_WAITS_SCRIPT), "background sync waits for the network")


def set_background_sync(stage: Stage, setting: str) -> None:
    """Have Chromium hold that somebody has "granted" or "denied" the site its background sync."""
    permission = {"permission": {"name": "background-sync"}, "setting": setting, "origin": stage.url}
    stage.driver.execute_cdp_cmd("Browser.setPermission", permission)


def deny_background_sync(stage: Stage) -> None:
    """Take the permission away that Chromium gives to every site; other engines have nothing to deny."""
    if stage.browser.has_sync_manager:
        set_background_sync(stage, "denied")


def allow_background_sync(stage: Stage) -> None:
    """Give the permission back."""
    set_background_sync(stage, "granted")


def sync_tags(driver: WebDriver) -> list[str]:
    """The app's syncs that Chromium still means to fire."""
    tags = driver.execute_async_script(SYNC_TAGS_SCRIPT)
    return [tag for tag in tags if tag.startswith(OUTBOX)]


def new_tab(driver: WebDriver) -> str:
    """Open a tab and go on in it; the handle of the one before."""
    before = driver.current_window_handle
    driver.switch_to.new_window("tab")
    return str(before)


def keep_a_tab(driver: WebDriver) -> str:
    """Open an empty tab, so that closing the site's does not end the browser; the empty one's handle."""
    site = new_tab(driver)
    empty = driver.current_window_handle
    driver.switch_to.window(site)
    return str(empty)


def leave(stage: Stage, empty_tab: str) -> None:
    """Close the tab: no page of the site is left."""
    stage.driver.close()
    stage.driver.switch_to.window(empty_tab)
    assert stage.driver.window_handles == [empty_tab]
    assert stage.driver.current_url == "about:blank"


def keep_pages(stage: Stage) -> None:
    """A first visit, online, until the worker can do without the site."""
    stage.open(LIST)
    wait_for_worker(stage)


def save_unsent(stage: Stage, title: str, *, file: Path | None = None, waiting: int = 1) -> None:
    """Open the form while the site can't be reached, write a post, and be told that it is saved."""
    write_post(stage, title, file=file)
    wait_for_saved(stage, waiting=waiting)
