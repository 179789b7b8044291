"""Only a receipt counts (P5, row B2): whatever else answers in the site's place, the entry stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from . import acts, pages, proxy
from .acts import Act
from .conftest import OpenStage
from .matrix import CHROMIUM_FIRST
from .pages import FORM
from .proxy import SESSION, SUBMISSIONS, Behaviour
from .stage import Stage, Way
from .waiting import wait_until
from .wire import Exchange, answer

PORTAL = "<!doctype html><title>Free Wi-Fi</title><h1>Welcome aboard</h1><p>Accept the terms to go online.</p>"
HTML = "text/html; charset=utf-8"
JSON = "application/json"
STRANGER = "01940000-0000-7000-8000-000000000000"


def says(status: int, body: str = PORTAL, content_type: str = HTML, **headers: str) -> Behaviour:
    """The same answer to everything."""
    return proxy.answering(lambda exchange: answer(status, body, content_type, **headers))


def receipts(*, http_status: int = 200, content_type: str = JSON, lacking: int = 0, **changed: Any) -> Behaviour:
    """An answer that would do, but for what is changed in its receipts, and for the bytes it lacks at its end."""

    def make(exchange: Exchange) -> bytes:
        made = [
            {"id": entry, "status": "accepted", "result": {"url": "/"}, "replayed": False, **changed}
            for entry in exchange.ids
        ]
        body = json.dumps({"receipts": made})
        return answer(http_status, body[: len(body) - lacking], content_type)

    return proxy.answering(make)


def without_id(exchange: Exchange) -> bytes:
    """Receipts that name nobody."""
    return answer(200, json.dumps({"receipts": [{"status": "accepted"} for _ in exchange.ids]}))


def of_somebody_else(exchange: Exchange) -> bytes:
    """As many receipts as were asked for, and each of them another's."""
    made = [{"id": f"{STRANGER[:-1]}{number}", "status": "accepted"} for number, _ in enumerate(exchange.ids)]
    return answer(200, json.dumps({"receipts": made}))


def keyed_by_id(exchange: Exchange) -> bytes:
    """Receipts in another shape than the protocol's."""
    return answer(200, json.dumps({"receipts": {entry: {"status": "accepted"} for entry in exchange.ids}}))


STATUSES = (400, 401, 403, 404, 408, 409, 410, 413, 421, 422, 425, 429, 500, 501, 502, 503, 504, 511)
HOSTILE: dict[str, Behaviour] = {
    "200_html": says(200),
    "200_html_said_to_be_json": says(200, PORTAL, JSON),
    "200_empty": says(200, "", JSON),
    "204": says(204, "", ""),
    **{
        f"{status}_to_sign_in": says(status, Location="/accounts/login/?next=/")
        for status in (301, 302, 303, 307, 308)
    },
    **{f"{status}_html": says(status) for status in STATUSES},
    **{f"{status}_json": says(status, '{"detail": "No."}', JSON) for status in (400, 401, 403, 409, 422, 500)},
    "429_retry_after": says(429, '{"code": "throttled"}', JSON, Retry_After="1"),
    "503_retry_after": says(503, PORTAL, Retry_After="1"),
    "truncated": receipts(lacking=10),
    "object": says(200, "{}", JSON),
    "list": says(200, "[]", JSON),
    "null": says(200, "null", JSON),
    "number": says(200, "200", JSON),
    "no_receipts": says(200, '{"receipts": []}', JSON),
    "null_receipt": says(200, '{"receipts": [null]}', JSON),
    "unknown_status": receipts(status="delivered"),
    "wrong_id": receipts(id=STRANGER),
    "someone_elses": proxy.answering(of_somebody_else),
    "without_id": proxy.answering(without_id),
    "keyed_by_id": proxy.answering(keyed_by_id),
    "html_type": receipts(content_type=HTML),
    "text_type": receipts(content_type="text/plain"),
    "other_json_type": receipts(content_type="application/problem+json"),
    "no_status": receipts(status=None),
    "201_with_receipts": receipts(http_status=201),
    "500_with_receipts": receipts(http_status=500),
    "reset": proxy.refuse,
    "never_ending": proxy.never_ending,
}

HOSTILE_SESSIONS: dict[str, Behaviour] = {
    "200_html": says(200),
    "302_to_sign_in": says(302, Location="/accounts/login/?next=/"),
    "403_html": says(403),
    "500_html": says(500),
    "object": says(200, "{}", JSON),
    "another_protocol": says(200, '{"protocol": "X", "csrf_token": "x", "csrf_header": "X-CSRFToken"}', JSON),
    "reset": proxy.refuse,
}


# One of each kind; the rest, and the other engines, are in the wider matrix.
SHORT = {
    "200_html",
    "204",
    "302_to_sign_in",
    "403_html",
    "409_json",
    "413_html",
    "429_retry_after",
    "500_with_receipts",
    "503_html",
    "truncated",
    "object",
    "no_receipts",
    "unknown_status",
    "someone_elses",
    "html_type",
    "never_ending",
}
CASES = [("submissions", name) for name in HOSTILE] + [("session", name) for name in HOSTILE_SESSIONS]
# Another attempt at once: whatever pause was to be kept is over.
DELIVER_SCRIPT = """
const { now } = Date;
Date.now = () => now() + 7200000;
window.dispatchEvent(new Event("online"));
"""


def chosen(place: str, name: str) -> object:
    """A case, marked for the wider matrix unless it is one of the few."""
    short = name in SHORT and place == "submissions"
    return pytest.param(place, name, id=f"{place}-{name}", marks=[] if short else [pytest.mark.wide])


@pytest.fixture(scope="module")
def stage(open_stage: OpenStage, engine: str) -> Iterator[Stage]:
    """One stage for all answers on an engine: each leaves it as it found it."""
    with open_stage(engine, Way.PROXIED) as opened:
        # The worker sends in the same way. Without it, it is known who has asked, and when.
        pages.deny_background_sync(opened)
        pages.keep_pages(opened)
        yield opened


@pytest.fixture(scope="module")
def engine(request: pytest.FixtureRequest) -> str:
    """The engine of the case."""
    return str(request.param)


def assert_kept_and_then_delivered(stage: Stage, title: str) -> None:
    """The entry is on the device and nowhere else; with an honest site it arrives, once."""
    (entry,) = pages.entries(stage.driver)
    assert dict(entry["fields"])["title"] == title
    assert entry["state"] != "refused"
    assert not stage.site.posts(title)

    stage.proxy.heal()

    def is_empty() -> bool:
        stage.driver.execute_script(DELIVER_SCRIPT)
        return pages.outbox(stage.driver) == {"entries": 0, "files": 0}

    wait_until(is_empty, "the outbox is empty", seconds=90)
    pages.only_post(stage, title)
    # What was asked for in this case must not keep the next from being tried.
    stage.driver.execute_async_script(pages.FORGET_SCRIPT, pages.OUTBOX, ["state"])


def write_and_be_told(stage: Stage, title: str, promise: str) -> None:
    """Write a post, and wait until the page says what has become of the first attempt."""
    acts.write(stage, Act(title, None))
    wait_until(lambda: promise in pages.status(stage.driver), "the post is saved")
    assert pages.typed(stage.driver, "title") == ""


@pytest.mark.parametrize(("place", "name"), [chosen(*case) for case in CASES])
@pytest.mark.parametrize("engine", CHROMIUM_FIRST, indirect=True)
def test_b2_p5_no_answer_but_the_sites_own_removes_an_entry(stage: Stage, place: str, name: str) -> None:
    title = f"{place} answered by {name}."
    path, behaviour = (SESSION, HOSTILE_SESSIONS[name]) if place == "session" else (SUBMISSIONS, HOSTILE[name])
    asked = len(stage.proxy.requests(path))
    sent = len(stage.proxy.deliveries)
    acts.open_form(stage)
    if name == "never_ending":
        pages.shorten_limits(stage.driver)
    stage.proxy.on(path, behaviour)
    write_and_be_told(stage, title, pages.SAVED)
    assert len(stage.proxy.requests(path)) > asked, "it has been tried"
    assert len(stage.proxy.deliveries) == sent, "the site has not heard of it"
    assert_kept_and_then_delivered(stage, title)


def test_b2_p5_a_captive_portal_neither_takes_an_entry_nor_the_place_of_a_kept_page(open_stage: OpenStage) -> None:
    title = "Behind the portal"
    with open_stage("chromium", Way.PROXIED) as stage:
        pages.keep_pages(stage)
        acts.open_form(stage)
        stage.proxy.on(None, says(200))
        write_and_be_told(stage, title, pages.SAVED_SYNC)
        stage.open(FORM)
        assert stage.driver.title == "Free Wi-Fi"
        stage.open("/accounts/login/")
        assert stage.driver.title == "Free Wi-Fi"

        stage.proxy.on(None, proxy.refuse)
        acts.open_form(stage)
        assert_kept_and_then_delivered(stage, title)
