"""The main job, end to end (P1, P2, P3): what is written with no network is in the database once when it is back."""

from __future__ import annotations

import pytest

from . import pages
from .matrix import ENGINES
from .pages import FORM, LIST, NEUTRAL
from .stage import Stage, Way

TITLE = "From the train"


def write_offline(stage: Stage) -> bytes:
    """Open the form without a network, write a post with a photo, and be told what is true."""
    photo = pages.photo(width=200)
    stage.open(FORM)
    pages.reload(stage)
    pages.wait_for_client(stage)
    assert stage.driver.title == "Write a post"
    pages.fill(stage, TITLE, file=pages.photo_file(stage, photo))
    pages.submit(stage)
    promise = pages.SAVED_SYNC if stage.browser.has_sync_manager else pages.SAVED
    pages.wait_for_status(stage.driver, promise, "Waiting to be sent: 1")
    assert pages.typed(stage.driver, "title") == "", "the form empties when the post is saved"
    assert pages.outbox(stage.driver) == {"entries": 1, "files": 1}
    return photo


def come_back(stage: Stage) -> None:
    """Open the site again, where nothing else would deliver."""
    if not stage.browser.has_sync_manager:
        stage.open(LIST)


def arrived_once(stage: Stage, photo: bytes) -> None:
    """The post is there once, with the photo as it was, and nothing is left on the device."""
    post = pages.wait_for_post(stage, TITLE)
    assert stage.site.photo_of(post) == photo
    stage.open(NEUTRAL)
    pages.wait_for_empty_outbox(stage)
    stage.open(LIST)
    pages.wait_for_status(stage.driver)
    assert len(stage.site.ledger()) == 1
    pages.only_post(stage, TITLE)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("way", [Way.DIRECT])
def test_p3_written_while_the_server_is_down(stage: Stage) -> None:
    empty_tab = pages.keep_a_tab(stage.driver)
    pages.keep_pages(stage)
    stage.site.stop()
    photo = write_offline(stage)
    pages.leave(stage, empty_tab)
    stage.site.start()
    come_back(stage)
    arrived_once(stage, photo)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("way", [Way.CABLE])
def test_p3_written_while_the_link_is_down(stage: Stage) -> None:
    empty_tab = pages.keep_a_tab(stage.driver)
    pages.keep_pages(stage)
    assert pages.is_online(stage.driver), "the browser must believe in its network first"
    stage.network.pull()
    pages.wait_for_offline(stage)
    photo = write_offline(stage)
    pages.leave(stage, empty_tab)
    assert not stage.site.posts(TITLE)
    stage.network.plug_in()
    come_back(stage)
    arrived_once(stage, photo)
