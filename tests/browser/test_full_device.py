"""A full device never costs an entry: kept pages make room for it (row A1)."""

from __future__ import annotations

import pytest

from . import keeping, pages, proxy
from .stage import Stage
from .waiting import wait_until

MEGABYTE = 1024 * 1024
LARGE = [f"/kept/large/{number}/" for number in range(4)]


@pytest.fixture
def environment() -> dict[str, str]:
    return keeping.settings()


def usage(stage: Stage) -> int:
    """The bytes that the site takes on the device, as the browser counts them."""
    return int(stage.driver.execute_cdp_cmd("Storage.getUsageAndQuota", {"origin": stage.url})["usage"])


def limit(stage: Stage, room: int) -> None:
    """Leave the site's origin so many bytes besides what it takes."""
    quota = {"origin": stage.url, "quotaSize": usage(stage) + room}
    stage.driver.execute_cdp_cmd("Storage.overrideQuotaForOrigin", quota)


@pytest.mark.wide
def test_a1_visited_pages_make_room_for_an_entry(stage: Stage) -> None:
    keeping.begin(stage)
    for path in LARGE:
        keeping.visit(stage, path)
    wait_until(lambda: usage(stage) > 8 * MEGABYTE, "the pages take room")
    # Chromium does not ask anew how much room there is while it believes to know.
    stage.browser.stop()
    stage.browser.start()
    stage.open(pages.NEUTRAL)
    limit(stage, MEGABYTE // 4)
    keeping.go_offline(stage)
    stage.open(pages.FORM)
    photo = pages.photo(width=1000)
    pages.fill(stage, "It has room", file=pages.photo_file(stage, photo))
    pages.submit(stage)
    pages.wait_for_saved(stage, waiting=1)
    assert not any(keeping.is_kept(stage, path) for path in LARGE)
    assert keeping.is_kept(stage, pages.FORM)
    stage.proxy.heal()
    stage.open(pages.LIST)
    assert stage.site.photo_of(pages.wait_for_post(stage, "It has room")) == photo


def test_a1_where_there_is_no_room_at_all_the_person_is_told_so(stage: Stage) -> None:
    stage.open(pages.FORM)
    limit(stage, MEGABYTE // 4)
    stage.proxy.on(None, proxy.refuse)
    title = "Larger than the device"
    pages.fill(stage, title, file=pages.photo_file(stage, pages.photo(width=1000)))
    pages.submit(stage)
    wait_until(
        lambda: any("There is no room for this on your device" in line for line in pages.status(stage.driver)),
        "it says so",
    )
    assert pages.typed(stage.driver, "title") == title
    assert pages.outbox(stage.driver)["entries"] == 0
    stage.proxy.heal()
    pages.submit(stage)
    pages.wait_for_title(stage.driver, "Posts")
    pages.only_post(stage, title)
    assert stage.site.ledger() == []
