"""Between the device and the site (rows B1, B3 to B6, B8 and B10): whatever dies on the way, it arrives, and once."""

from __future__ import annotations

import socket

import pytest

from . import pages, proxy
from .matrix import CHROMIUM_FIRST, wide
from .moments import Moment
from .pages import FORM, LIST, NEUTRAL
from .proxy import SESSION, SUBMISSIONS, Behaviour
from .stage import Stage, Way
from .waiting import wait_until
from .wire import Exchange, answer

TITLE = "Eleven seconds of daylight"
# The longest pause between two deliveries of an open page is a minute.
LONGEST_PAUSE = 75

# Keeps the next transaction that writes alive for as long as the page runs, short of its first write.
NEVER_WRITES_SCRIPT = """
const { get } = IDBObjectStore.prototype;
IDBObjectStore.prototype.get = function (key) {
  const request = get.call(this, key);
  if (this.transaction.mode === "readonly") return request;
  const again = () => {
    window.turns = (window.turns ?? 0) + 1;
    get.call(this, key).onsuccess = again;
  };
  again();
  return {};
};
"""

KEEP_LOCK_SCRIPT = """
const [name, done] = arguments;
navigator.locks.request(name, () => { done(); return new Promise(() => {}); });
"""
WAKE_WORKER_SCRIPT = """
const [tag, done] = arguments;
navigator.serviceWorker.ready.then(({ sync }) => sync.register(tag)).then(() => done());
"""


def background_sync(**parameters: float) -> tuple[str, ...]:
    """Chromium with other times between the attempts of a sync, of which it makes three."""
    listed = "/".join(f"{name}/{value}" for name, value in parameters.items())
    return (
        "--force-fieldtrials=BackgroundSync/Tests",
        f"--force-fieldtrial-params=BackgroundSync.Tests:{listed}",
    )


GIVES_UP_AFTER_SECONDS = background_sync(initial_retry_delay_sec=1, retry_delay_factor=1)
ENDS_AFTER_TWO_SECONDS = background_sync(
    max_sync_event_duration_sec=2, initial_retry_delay_sec=1, retry_delay_factor=1
)
TRIES_AGAIN_IN_AN_HOUR = background_sync(initial_retry_delay_sec=3600, retry_delay_factor=1)


def overload(stage: Stage) -> None:
    """Let the page reach nobody, and the site put the worker off, which then gives its sync back at once."""
    put_off = proxy.answering(lambda exchange: answer(503, "", Retry_After="1"))

    def behave(here: proxy.Proxy, exchange: Exchange, client: socket.socket) -> None:
        (put_off if exchange.from_worker else proxy.refuse)(here, exchange, client)

    stage.proxy.on(SESSION, behave)


def assert_sent_once_each(stage: Stage, *titles: str) -> None:
    """No submission has been given to the site twice."""
    sent = [title for delivery in stage.proxy.deliveries for title in delivery.titles]
    assert sorted(sent) == sorted(titles)


def assert_there_once(stage: Stage, *titles: str) -> None:
    """Each post is in the database once, whatever was sent how often, and nothing is left on the device."""
    for title in titles:
        pages.wait_for_post(stage, title, seconds=LONGEST_PAUSE)
    pages.wait_for_empty_outbox(stage)
    for title in titles:
        pages.only_post(stage, title)
    assert len(stage.site.ledger()) == len(titles)


@pytest.mark.parametrize("step", ["saved", "sending", "answered"])
def test_b1_p1_a_killed_browser_loses_nothing(stage: Stage, step: str) -> None:
    gate = proxy.Gate()
    behaviours = {"saved": proxy.refuse, "sending": gate.before_request, "answered": gate.before_answer}
    photo = pages.photo()
    stage.open(FORM)
    stage.proxy.on(SUBMISSIONS, behaviours[step])
    pages.fill(stage, TITLE, file=pages.photo_file(stage, photo))
    pages.submit(stage)
    wait_until(lambda: any(line.startswith("Saved on this device.") for line in pages.status(stage.driver)), "saved")
    if step != "saved":
        wait_until(lambda: gate.held, "the post is on its way")
    stage.browser.kill()
    stage.proxy.heal()

    stage.browser.start()
    stage.open(LIST)
    assert_there_once(stage, TITLE)
    gate.open()
    assert stage.site.photo_of(pages.only_post(stage, TITLE)) == photo


@pytest.mark.parametrize("way", [Way.CABLE])
def test_b1_the_worker_alone_delivers_after_a_kill_and_a_restart(stage: Stage) -> None:
    pages.keep_pages(stage)
    stage.network.pull()
    pages.wait_for_offline(stage)
    pages.save_unsent(stage, TITLE)
    stage.browser.kill()

    stage.browser.start()
    assert not stage.site.posts(TITLE)
    stage.network.plug_in()
    pages.wait_for_post(stage, TITLE)
    assert all(delivery.from_worker for delivery in stage.proxy.deliveries)
    stage.open(NEUTRAL)
    assert_there_once(stage, TITLE)


@pytest.mark.wide
@pytest.mark.parametrize("way", [Way.CABLE])
@pytest.mark.parametrize("arguments", [GIVES_UP_AFTER_SECONDS], ids=["gives_up"])
def test_b3_a_page_load_arms_a_sync_that_chromium_has_given_up(stage: Stage) -> None:
    empty_tab = pages.keep_a_tab(stage.driver)
    pages.keep_pages(stage)
    overload(stage)
    pages.save_unsent(stage, TITLE)
    # A page that runs no script: nothing arms another sync while these are tried in vain.
    stage.open(NEUTRAL)
    wait_until(lambda: not pages.sync_tags(stage.driver), "Chromium has given up")
    assert [request for request in stage.proxy.requests(SESSION) if request.from_worker]
    assert pages.outbox(stage.driver)["entries"] == 1

    stage.network.pull()
    pages.wait_for_offline(stage)
    stage.proxy.heal()
    stage.open(LIST)
    wait_until(lambda: pages.sync_tags(stage.driver), "the page has armed a sync")
    pages.leave(stage, empty_tab)
    stage.network.plug_in()
    pages.wait_for_post(stage, TITLE)
    assert all(delivery.from_worker for delivery in stage.proxy.deliveries)
    stage.open(NEUTRAL)
    assert_there_once(stage, TITLE)


@pytest.mark.parametrize("arguments", [GIVES_UP_AFTER_SECONDS], ids=["gives_up"])
def test_b3_a_page_load_delivers_what_chromium_has_given_up(stage: Stage) -> None:
    pages.keep_pages(stage)
    overload(stage)
    pages.save_unsent(stage, TITLE)
    stage.open(NEUTRAL)
    wait_until(lambda: not pages.sync_tags(stage.driver), "Chromium has given up")
    stage.proxy.heal()
    stage.open(LIST)
    assert_there_once(stage, TITLE)


@pytest.mark.wide
@pytest.mark.parametrize("way", [Way.CABLE])
@pytest.mark.parametrize("arguments", [TRIES_AGAIN_IN_AN_HOUR], ids=["backs_off"])
def test_b4_a_new_entry_wakes_the_worker_while_older_syncs_back_off(stage: Stage) -> None:
    empty_tab = pages.keep_a_tab(stage.driver)
    pages.keep_pages(stage)
    overload(stage)
    pages.save_unsent(stage, TITLE)
    wait_until(lambda: [request for request in stage.proxy.requests(SESSION) if request.from_worker], "a sync fired")
    stage.open(NEUTRAL)

    stage.network.pull()
    pages.wait_for_offline(stage)
    pages.save_unsent(stage, "Saved while it backs off", waiting=2)
    pages.leave(stage, empty_tab)
    stage.proxy.heal()
    stage.network.plug_in()
    # Whatever the tag that fired: it empties the outbox.
    pages.wait_for_post(stage, "Saved while it backs off")
    pages.wait_for_post(stage, TITLE)
    assert all(delivery.from_worker for delivery in stage.proxy.deliveries)
    stage.open(NEUTRAL)
    assert_there_once(stage, TITLE, "Saved while it backs off")


@pytest.mark.parametrize("way", [Way.CABLE])
def test_b5_without_the_permission_the_page_promises_less_and_delivers_itself(stage: Stage) -> None:
    pages.deny_background_sync(stage)
    pages.keep_pages(stage)
    stage.network.pull()
    wait_until(lambda: not pages.is_online(stage.driver), "the browser notices that the link is down")
    pages.write_post(stage, TITLE)
    pages.wait_for_status(stage.driver, pages.SAVED, "Waiting to be sent: 1")
    stage.network.plug_in()
    assert_there_once(stage, TITLE)
    assert not [request for request in stage.proxy.requests(SESSION) if request.from_worker]


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
@pytest.mark.parametrize("way", [Way.CABLE])
def test_b6_four_tabs_and_the_worker_send_each_entry_once(stage: Stage) -> None:
    titles = [f"Entry {number} of three" for number in (1, 2, 3)]
    pages.keep_pages(stage)
    for _ in range(3):
        pages.new_tab(stage.driver)
        stage.open(LIST)
    stage.network.pull()
    pages.wait_for_offline(stage)
    for number, title in enumerate(titles, start=1):
        pages.save_unsent(stage, title, waiting=number)
    stage.network.plug_in()
    assert_there_once(stage, *titles)
    assert_sent_once_each(stage, *titles)


def test_b6_a_follower_saves_and_takes_over(stage: Stage) -> None:
    gate = proxy.Gate()
    stage.proxy.on(SUBMISSIONS, proxy.once(gate.before_request))
    pages.write_post(stage, TITLE)
    wait_until(lambda: gate.held, "the first tab is sending")
    leader = pages.new_tab(stage.driver)
    follower = stage.driver.current_window_handle
    pages.write_post(stage, "From the second tab")
    wait_until(lambda: pages.outbox(stage.driver)["entries"] == 2, "the second tab has saved")

    stage.driver.switch_to.window(leader)
    stage.driver.close()
    stage.driver.switch_to.window(follower)
    pages.wait_for_post(stage, "From the second tab")
    # What the closed tab had sent comes late, and is the same post.
    gate.open()
    assert_there_once(stage, TITLE, "From the second tab")


def test_b6_who_has_nothing_to_send_does_not_wait_for_the_lock(stage: Stage) -> None:
    """A page that is left while it waits for it would not be kept for the way back."""
    pages.keep_pages(stage)
    stage.open(NEUTRAL)
    stage.driver.execute_async_script(KEEP_LOCK_SCRIPT, pages.OUTBOX)
    stage.driver.execute_async_script(WAKE_WORKER_SCRIPT, f"{pages.OUTBOX}:for nothing")
    wait_until(lambda: pages.sync_tags(stage.driver) == [], "the worker has been woken, and is through")


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
@pytest.mark.parametrize("step", [wide(SESSION), SUBMISSIONS], ids=["session", "submissions"])
def test_b6_b10_a_page_that_is_left_while_it_sends_holds_nobody_up(stage: Stage, step: str) -> None:
    """A page in the back/forward cache takes the lock with it, and Chromium then forgets to give it to the next."""
    pages.keep_pages(stage)
    pages.deny_background_sync(stage)  # It is the page that has to send.
    stage.open(FORM)
    gate = proxy.Gate()
    stage.proxy.on(step, proxy.once(gate.before_answer))
    pages.fill(stage, TITLE)
    pages.submit(stage)
    wait_until(lambda: gate.held, "the post is on its way")
    stage.open(LIST)
    assert_there_once(stage, TITLE)
    gate.open()


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_b10_a_page_that_is_left_while_it_settles_holds_nobody_up(stage: Stage) -> None:
    """WebKit keeps a page that is left together with its transaction, and nobody else can write until it goes on."""
    pages.keep_pages(stage)
    pages.deny_background_sync(stage)  # It is the page that has to settle.
    stage.open(FORM)
    gate = proxy.Gate()
    stage.proxy.on(SUBMISSIONS, proxy.once(gate.before_answer))
    pages.fill(stage, TITLE)
    pages.submit(stage)
    wait_until(lambda: gate.held, "the post is on its way")
    stage.driver.execute_script(NEVER_WRITES_SCRIPT)
    gate.open()
    wait_until(lambda: stage.driver.execute_script("return window.turns ?? 0") > 3, "the page settles")
    stage.open(LIST)
    assert_there_once(stage, TITLE)


@pytest.mark.parametrize(
    "cut", [proxy.cut_after_request, proxy.cut_before_answer, proxy.cut_inside_answer], ids=lambda cut: cut.__name__
)
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_b8_a_lost_answer_is_given_again(stage: Stage, cut: Behaviour) -> None:
    photo = pages.photo()
    stage.proxy.on(SUBMISSIONS, proxy.once(cut))
    pages.write_post(stage, TITLE, file=pages.photo_file(stage, photo))
    assert_there_once(stage, TITLE)
    assert stage.site.photo_of(pages.only_post(stage, TITLE)) == photo
    first, second = stage.proxy.deliveries
    assert first.ids == second.ids


@pytest.mark.parametrize("name", [wide("session"), wide("head"), "inside_request"])
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_b8_a_request_that_is_cut_is_sent_again(stage: Stage, name: str) -> None:
    photo = pages.photo(width=200)
    cut = Moment(name, then=proxy.reset)
    cut.let_go()
    cut.lay(stage.proxy)
    pages.write_post(stage, TITLE, file=pages.photo_file(stage, photo))
    wait_until(cut.come.is_set, "the request has been cut")
    assert_there_once(stage, TITLE)
    assert_sent_once_each(stage, TITLE)
    assert stage.site.photo_of(pages.only_post(stage, TITLE)) == photo


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_b7_b8_an_answer_that_comes_after_the_time_limit_is_given_again(stage: Stage) -> None:
    pages.deny_background_sync(stage)  # It is the page's limit that is shortened.
    gate = proxy.Gate()
    stage.proxy.on(SUBMISSIONS, proxy.once(gate.before_answer))
    stage.open(FORM)
    pages.shorten_limits(stage.driver)
    pages.fill(stage, TITLE)
    pages.submit(stage)
    wait_until(lambda: gate.held, "the answer is held")
    # The gate stays shut: what is sent again has not waited for the first answer.
    assert_there_once(stage, TITLE)
    gate.open()
    first, second = stage.proxy.deliveries
    assert first.ids == second.ids


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_b8_an_answer_in_drops_is_an_answer(stage: Stage) -> None:
    stage.proxy.on(SUBMISSIONS, proxy.trickling)
    pages.write_post(stage, TITLE)
    assert_there_once(stage, TITLE)
    assert_sent_once_each(stage, TITLE)


@pytest.mark.wide
@pytest.mark.parametrize("arguments", [ENDS_AFTER_TWO_SECONDS], ids=["ends_soon"])
def test_b7_an_answer_that_outlives_the_event_of_its_sync_is_given_again(stage: Stage) -> None:
    empty_tab = pages.keep_a_tab(stage.driver)
    pages.keep_pages(stage)
    gate = proxy.Gate()
    stage.proxy.on(SESSION, proxy.where(lambda exchange: not exchange.from_worker, proxy.refuse))
    stage.proxy.on(SUBMISSIONS, proxy.once(gate.before_answer))
    pages.write_post(stage, TITLE)
    wait_until(lambda: gate.held, "the worker is sending it")
    pages.leave(stage, empty_tab)
    # The gate stays shut: Chromium ends the event, and another one comes.
    wait_until(lambda: len(stage.proxy.deliveries) > 1, "it is sent again", seconds=LONGEST_PAUSE)
    stage.proxy.heal()
    stage.open(NEUTRAL)
    assert_there_once(stage, TITLE)
    gate.open()
    assert all(delivery.from_worker for delivery in stage.proxy.deliveries)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
@pytest.mark.parametrize("way", [Way.CABLE])
def test_b10_an_open_page_empties_the_outbox_when_the_link_is_back(stage: Stage) -> None:
    titles = [f"Entry {number} of three" for number in (1, 2, 3)]
    pages.keep_pages(stage)
    stage.network.pull()
    pages.wait_for_offline(stage)
    for number, title in enumerate(titles, start=1):
        pages.save_unsent(stage, title, waiting=number)
    stage.network.plug_in()
    assert_there_once(stage, *titles)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
@pytest.mark.parametrize("way", [Way.DIRECT])
def test_b10_an_open_page_empties_the_outbox_when_the_server_is_back(stage: Stage) -> None:
    """No event tells the page: its own timer tries again."""
    pages.keep_pages(stage)
    stage.site.kill()
    pages.save_unsent(stage, TITLE)
    stage.site.start()
    assert_there_once(stage, TITLE)


def test_b10_an_error_in_the_middle_of_a_delivery_does_not_stop_the_next(stage: Stage) -> None:
    pages.deny_background_sync(stage)
    stage.open(FORM)
    stage.driver.execute_script("""
        const { getAll } = IDBIndex.prototype;
        IDBIndex.prototype.getAll = function () {
          sessionStorage.setItem("failedOnce", "yes");
          IDBIndex.prototype.getAll = getAll;
          throw new DOMException("Internal error.", "UnknownError");
        };
    """)
    pages.fill(stage, TITLE)
    pages.submit(stage)
    # The next one may be through already, and the page on its way to the list.
    failed = "return sessionStorage.getItem('failedOnce') !== null"
    wait_until(lambda: stage.driver.execute_script(failed), "a delivery has failed")
    stage.driver.execute_script("window.dispatchEvent(new Event('online'))")
    assert_there_once(stage, TITLE)
