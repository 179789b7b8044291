"""A list of the site's own shows what the visitor has saved for it, until the site has it: `{% offline_pending %}`."""

from __future__ import annotations

import pytest

from . import pages, proxy
from .matrix import CHROMIUM_FIRST
from .pages import FORM, LIST
from .stage import Stage
from .waiting import wait_until

# The list of posts, the newest first, as far as somebody has written in it what these tests have.
FEED_SCRIPT = """
const text = (element, selector) => element.querySelector(selector)?.textContent.trim() ?? null;
return [...document.querySelectorAll(".feed > article")].slice(0, 4).map((post) => ({
  title: text(post, "h2"),
  why: text(post, ".why"),
  photo: [...post.querySelectorAll("img")].some((img) => img.naturalWidth > 0 && !img.hidden),
  isPending: post.dataset.offlinesyncPendingEntry !== undefined,
  isMarked: post.isMarked === true,
}));
"""
MARK_SCRIPT = "document.querySelectorAll('.feed > article').forEach((post) => { post.isMarked = true; })"
ONLINE = "window.dispatchEvent(new Event('online'))"
# What is pending is shown in the same turn as the status.
IS_TOLD = "return Boolean(document.querySelector('[data-offlinesync-status]')?.dataset.offlinesyncConnection)"
WRITE_SCRIPT = """
const form = document.createElement("form");
form.append(document.createElement("input"));
form.firstChild.value = "Half a sentence";
document.querySelector(".feed").append(form);
"""
GONE = "It was sent. The page shows it when you open it again."
OFFLINE = "It waits for a connection, and goes out by itself when there is one."


def feed(stage: Stage) -> list[dict[str, object]]:
    """The first posts of the list."""
    return list(stage.driver.execute_script(FEED_SCRIPT))


def pending(stage: Stage) -> list[object]:
    """The titles of those that the site does not have."""
    return [post["title"] for post in feed(stage) if post["isPending"]]


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_what_waits_stands_in_the_sites_own_list_until_the_real_one_does(stage: Stage) -> None:
    pages.keep_pages(stage)
    stage.proxy.on(None, proxy.refuse)
    pages.save_unsent(stage, "First, with a photo", file=pages.photo_file(stage, pages.photo()))
    pages.save_unsent(stage, "Second", waiting=2)
    stage.open(LIST)
    wait_until(lambda: pending(stage) == ["Second", "First, with a photo"], "both stand in the list, the newest first")
    wait_until(lambda: feed(stage)[1]["photo"], "with its photo")
    wait_until(lambda: [post["why"] for post in feed(stage)[:2]] == [OFFLINE, OFFLINE], "and why")
    before = [post["title"] for post in feed(stage)[2:]]
    assert before, "the site's own posts stand below"
    stage.driver.execute_script(MARK_SCRIPT)

    stage.proxy.heal()
    stage.driver.execute_script(ONLINE)
    wait_until(lambda: not pending(stage), "nothing is pending any more")
    wait_until(
        lambda: [post["title"] for post in feed(stage)[:2]] == ["Second", "First, with a photo"], "they are real"
    )
    wait_until(lambda: feed(stage)[1]["photo"], "with its photo, from the site")
    assert [post["isMarked"] for post in feed(stage)] == [False, False, True, True], (
        "the others were left as they were"
    )
    assert [post["title"] for post in feed(stage)[2:]] == before[:2]


def test_a_list_in_which_somebody_writes_is_left_to_them(stage: Stage) -> None:
    pages.keep_pages(stage)
    stage.proxy.on(None, proxy.refuse)
    pages.save_unsent(stage, "Beside what is being written")
    stage.open(LIST)
    wait_until(lambda: pending(stage) == ["Beside what is being written"], "it stands in the list")
    stage.driver.execute_script(WRITE_SCRIPT)
    stage.proxy.heal()
    stage.driver.execute_script(ONLINE)
    wait_until(lambda: feed(stage)[0]["why"] == GONE, "what has arrived says so")
    wait_until(lambda: pages.is_updated(stage.driver), "and the page, that there is a newer one")
    assert stage.driver.execute_script("return document.querySelector('.feed form input').value") == "Half a sentence"
    pages.only_post(stage, "Beside what is being written")


def test_a_refused_one_says_why_and_leads_to_its_form(stage: Stage) -> None:
    stage.open(FORM)
    pages.fill(stage, "With no picture", file=pages.photo_file(stage, b"this is no picture", "broken.png"))
    pages.submit(stage)
    wait_until(lambda: pages.errors(stage.driver), "the refusal stands in the form")
    stage.open(LIST)
    wait_until(lambda: pending(stage) == ["With no picture"], "it stands in the list")
    (refused, *_) = feed(stage)
    assert refused["why"] == "The site found something wrong in this. Correct it and send it again."
    assert not refused["photo"]
    (link,) = stage.driver.execute_script(
        "return [...document.querySelectorAll('.feed .pending a')].map((a) => a.href)"
    )
    stage.driver.get(link)
    wait_until(lambda: pages.errors(stage.driver), "its form is open, with the errors at its fields")
    assert pages.typed(stage.driver, "title") == "With no picture"


def test_p4_nobody_sees_what_is_pending_for_another(stage: Stage) -> None:
    pages.sign_in(stage, "demo1")
    stage.proxy.on(proxy.SUBMISSIONS, proxy.refuse)
    pages.save_unsent(stage, "Of demo1 alone")
    stage.open(LIST)
    wait_until(lambda: pending(stage) == ["Of demo1 alone"], "its owner sees it")
    pages.sign_out(stage)
    pages.wait_for_status(stage.driver, "Something on this device is waiting for its owner to sign in. Sign in")
    assert not pending(stage)
    pages.sign_in(stage, "demo2")
    stage.open(LIST)
    wait_until(lambda: stage.driver.execute_script(IS_TOLD), "the page has said what there is to say")
    assert pages.outbox(stage.driver)["entries"] == 1, "it is there still"
    assert not pending(stage)
