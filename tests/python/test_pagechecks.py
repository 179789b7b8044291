"""The system checks of the pages that a site names."""

from __future__ import annotations

from typing import Any

import pytest

from offlinesync import pagechecks

from .test_checks import ids


@pytest.mark.parametrize(
    ("page", "wrong"),
    [
        ("/", False),
        ("/anything/", False),
        ("a page", False),
        ("nothing", True),
        ("a page with an argument", True),
        ("https://example.org/", True),
        ("//example.org/", True),
        (5, True),
    ],
)
def test_e007_the_pages(settings: object, page: object, wrong: bool) -> None:
    settings.ROOT_URLCONF = "tests.python.sampleapp.urls"
    settings.OFFLINESYNC = {"PAGES": [page]}
    messages = pagechecks.check_pages()
    assert ids(messages) == ["offlinesync.E007"] * wrong
    assert all(repr(page) in message.msg for message in messages)


@pytest.mark.parametrize(
    ("strategies", "wrong"),
    [
        ({"a page": "network-first", "/anything/": "network-only"}, 0),
        ({"a page with an argument": "stale-while-revalidate"}, 0),
        ({"offlinesync:submissions": "cache-first"}, 0),
        ({"a page": "NetworkFirst"}, 1),
        ({"a page": None}, 1),
        ({"nothing": "network-first"}, 1),
        ({"nowhere:page": "network-first"}, 1),
        ({5: "network-first"}, 1),
        ({5: 5}, 2),
        (["a page"], 1),
    ],
)
def test_e009_the_strategies(settings: object, strategies: Any, wrong: int) -> None:
    settings.ROOT_URLCONF = "tests.python.sampleapp.urls"
    settings.OFFLINESYNC = {"STRATEGIES": strategies}
    messages = pagechecks.check_strategies()
    assert ids(messages) == ["offlinesync.E009"] * wrong
    assert all("stale-while-revalidate" in message.hint for message in messages)


@pytest.mark.parametrize(
    ("pages", "page", "warned"),
    [
        (["a page"], "a page", True),
        (["/a-page/"], "a page", True),
        (["a page"], "/a-page/", True),
        (["/"], "a page", False),
    ],
)
def test_w005_a_page_that_is_to_be_kept_and_never_kept(
    settings: object, pages: list[str], page: str, warned: bool
) -> None:
    settings.ROOT_URLCONF = "tests.python.sampleapp.urls"
    settings.OFFLINESYNC = {"PAGES": pages, "STRATEGIES": {page: "network-only"}}
    assert ids(pagechecks.check_strategies()) == ["offlinesync.W005"] * warned


@pytest.mark.parametrize(
    ("views", "wrong"),
    [
        ({"comment": "a page", "answer": "a page with an argument", "sent": "offlinesync:submissions"}, []),
        ({"comment": "no page"}, ["'no page'"]),
        ({"comment": "nowhere:page"}, ["'nowhere:page'"]),
        ({"comment": 5}, ["5"]),
        ({5: "a page"}, ["5"]),
        ({"note": "a page"}, ["NoteHandler"]),
        (["comment"], ["is not a dict"]),
    ],
)
def test_e010_the_views(settings: object, views: object, wrong: list[str]) -> None:
    settings.ROOT_URLCONF = "tests.python.sampleapp.urls"
    settings.OFFLINESYNC = {"VIEWS": views}
    messages = pagechecks.check_views()
    assert ids(messages) == ["offlinesync.E010"] * len(wrong)
    assert all(said in message.msg for said, message in zip(wrong, messages, strict=True))
