"""Signing out: nothing private stays behind in a cache, and nothing unsent is lost (rows D6 and D7)."""

from __future__ import annotations

from . import pages, proxy
from .pages import FORM, LIST, NEUTRAL
from .proxy import SUBMISSIONS
from .stage import Stage
from .waiting import wait_until

CANARY = "demo1"
WAITS_FOR_SIGN_IN = "Something on this device is waiting for its owner to sign in. Sign in"
SEARCH_CACHES = """
const [word, done] = arguments;
(async () => {
  const found = [];
  let searched = 0;
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const response = await cache.match(request);
      const text = await response.text();
      searched += 1;
      if (text.includes(word)) found.push(`${name} ${request.url}`);
    }
  }
  return { found, searched };
})().then(done, (error) => done(String(error)));
"""


def found_in_caches(stage: Stage, word: str) -> list[str]:
    """Where any cache of the origin holds the word."""
    answer = stage.driver.execute_async_script(SEARCH_CACHES, word)
    assert answer["searched"] > 0, "there was nothing to search"
    return list(answer["found"])


def see_private_pages(stage: Stage) -> None:
    """Sign in, and look at the pages that the worker is to keep; each bears the name of who is signed in."""
    pages.keep_pages(stage)
    pages.sign_in(stage, CANARY)
    for path in (LIST, FORM, LIST):
        stage.open(path)
        assert CANARY in stage.driver.page_source
    pages.reload(stage)
    pages.wait_for_worker(stage)


def test_d6_no_cache_names_who_has_signed_out(stage: Stage) -> None:
    see_private_pages(stage)
    pages.sign_out(stage)
    wait_until(lambda: found_in_caches(stage, CANARY) == [], "no cache holds the private word")
    stage.proxy.on(None, proxy.refuse)
    for path, title in ((LIST, "Posts"), (FORM, "Write a post")):
        stage.open(path)
        pages.wait_for_title(stage.driver, title)
        assert CANARY not in stage.driver.page_source
    assert found_in_caches(stage, CANARY) == []


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
    pages.wait_for_client(stage)
    assert pages.typed(stage.driver, "title") == ""
    assert not stage.site.posts("Left behind")
    pages.sign_in(stage, "demo1")
    post = pages.wait_for_post(stage, "Left behind")
    assert stage.site.photo_of(post) == pages.photo()
    pages.wait_for_empty_outbox(stage)
    owners = [row["owner"] for row in stage.site.ledger()]
    assert owners == [stage.site.user_id("demo2"), stage.site.user_id("demo1")]
