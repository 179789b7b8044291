"""What a site's own script hands over is saved and sent as a form is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from selenium.webdriver.common.by import By

from . import pages, proxy
from .matrix import CHROMIUM_FIRST
from .proxy import SUBMISSIONS
from .stage import Stage
from .waiting import wait_until

CHECKOUT = "/checkout/"
ORDER = {"items": [{"title": "Bread", "count": 2}, {"title": "Salz & Pfeffer", "count": 1}], "note": None}
# The page may hear of the receipt before it is asked.
LISTEN_SCRIPT = """
window.receipts = [];
document.addEventListener("offlinesync:receipt", ({ detail }) => window.receipts.push(detail));
"""
SUBMIT_SCRIPT = """
const [form, data, options, done] = arguments;
const files = Object.fromEntries(Object.entries(options?.files ?? {}).map(
  ([field, texts]) => [field, texts.map((text, index) => new File([text], `${index}.txt`, { type: "text/plain" }))],
));
offlinesync.submit(form, data, { ...options, files }).then(
  ({ id }) => done({ id }),
  ({ name, message, id }) => done({ name, message, id }),
);
"""
EMPTIED_SCRIPT = """
const [done] = arguments;
const cart = { items: ["Bread"] };
const saved = offlinesync.submit("checkout", cart, { files: { photo: new File(["x"], "x.txt") } });
cart.items.length = 0;
saved.then(done, (error) => done(String(error)));
"""
LISTED_SCRIPT = "return document.querySelector('.offlinesync-entry')?.textContent"
RECEIPTS_SCRIPT = "return window.receipts"
RECEIPTS_OF_TWO = """
const channel = new BroadcastChannel("offlinesync:/offlinesync/");
for (const [owner, id] of [["42", "x"], ["", "y"]]) {
  channel.postMessage({ type: "receipts", owner, receipts: [{ id, status: "accepted" }] });
}
channel.close();
"""
NO_DATABASE = "Object.defineProperty(window, 'indexedDB', { value: undefined });"


@pytest.fixture
def environment() -> dict[str, str]:
    return {"DJANGO_SETTINGS_MODULE": "tests.browser.with_urls", "DEMO_URLS": "tests.browser.checkout"}


def open_page(stage: Stage) -> None:
    """Open the page of the script, which listens for receipts."""
    stage.open(CHECKOUT)
    stage.driver.execute_script(LISTEN_SCRIPT)


def submit(stage: Stage, data: Any = ORDER, **options: Any) -> dict[str, Any]:
    """What the promise comes to."""
    return dict(stage.driver.execute_async_script(SUBMIT_SCRIPT, "checkout", data, options))


def orders(stage: Stage) -> list[dict[str, Any]]:
    """What the handler has been given."""
    log = stage.site.data / "orders.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def listed(stage: Stage) -> str:
    """What the list says of the first entry."""
    return " ".join(str(stage.driver.execute_script(LISTED_SCRIPT)).split())


def said(stage: Stage) -> str:
    """What the documentation's page says."""
    return stage.driver.find_element(By.ID, "said").text


def receipts(stage: Stage) -> list[dict[str, Any]]:
    """What the page has been told."""
    return list(stage.driver.execute_script(RECEIPTS_SCRIPT))


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_p1_p3_it_is_saved_offline_and_sent_once(stage: Stage) -> None:
    pages.deny_background_sync(stage)
    open_page(stage)
    stage.proxy.on(None, proxy.refuse)
    saved = submit(stage, files={"photos": ["one", "zwei"]}, target="shop", group="g")
    (entry,) = pages.entries(stage.driver)
    assert (entry["id"], entry["data"], entry["group"]) == (saved["id"], ORDER, "g")
    stage.proxy.heal()
    open_page(stage)
    wait_until(lambda: receipts(stage), "the page is told of the receipt")
    (receipt,) = receipts(stage)
    assert (receipt["id"], receipt["status"]) == (saved["id"], "accepted")
    assert receipt["result"] == {"key": "1", "url": CHECKOUT}
    assert orders(stage) == [
        {"data": ORDER, "files": {"photos": ["one", "zwei"]}, "target": "shop", "page": ["en", "UTC"]}
    ]
    pages.wait_for_empty_outbox(stage)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_a_refusal_is_told_and_listed_with_what_was_handed_over(stage: Stage) -> None:
    open_page(stage)
    submit(stage, {"items": [], "note": {"text": "For the hut"}})
    wait_until(lambda: receipts(stage), "the page is told of the receipt")
    (receipt,) = receipts(stage)
    assert (receipt["status"], receipt["errors"]["items"][0]["message"]) == ("rejected", "The cart is empty.")
    wait_until(lambda: "it stood in no form" in listed(stage), "it is listed with its reason")
    for expected in ("For the hut", "note.text", "The cart is empty."):
        assert expected in listed(stage)
    assert "Correct it in its form" not in listed(stage)


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_the_script_of_the_documentation_works_without_a_network(stage: Stage) -> None:
    stage.open("/documented/")
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    stage.driver.find_element(By.ID, "checkout").click()
    wait_until(lambda: said(stage) == "Saved on this device.", "it is saved")
    stage.proxy.heal()
    stage.driver.execute_script("window.dispatchEvent(new Event('online'))")
    wait_until(lambda: said(stage) == "Your order is in.", "it is in")
    (order,) = orders(stage)
    assert order["data"] == {"name": "Anna", "lines": [{"title": "Bread", "count": 2}]}


def test_what_cannot_be_taken_is_said_and_saves_nothing(stage: Stage) -> None:
    open_page(stage)
    for data in (["a"], None, "text", 5):
        answer = submit(stage, data)
        assert (answer["name"], "needs an object" in answer["message"]) == ("TypeError", True), data
    answer = stage.driver.execute_async_script(SUBMIT_SCRIPT, "", {}, {})
    assert "needs the name of a form" in answer["message"]
    assert "makes its ids itself" in submit(stage, id="order-1")["message"]
    assert pages.outbox(stage.driver) == {"entries": 0, "files": 0}


def test_p1_what_is_not_saved_is_not_called_saved(stage: Stage) -> None:
    pages.before_load(stage, NO_DATABASE)
    open_page(stage)
    answer = submit(stage)
    assert "was not saved on this device" in answer["message"]
    assert orders(stage) == []


def test_p2_what_was_handed_over_is_saved_though_it_is_emptied_at_once(stage: Stage) -> None:
    open_page(stage)
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    stage.driver.execute_async_script(EMPTIED_SCRIPT)
    (entry,) = pages.entries(stage.driver)
    assert entry["data"] == {"items": ["Bread"]}


def test_a_second_try_under_its_id_is_the_same_entry(stage: Stage) -> None:
    open_page(stage)
    stage.proxy.on(SUBMISSIONS, proxy.refuse)
    first = submit(stage)
    assert submit(stage, id=first["id"]) == first
    other = submit(stage, {"items": [1]}, id=first["id"])
    assert "belongs to something else" in other["message"]
    assert pages.outbox(stage.driver) == {"entries": 1, "files": 0}


def test_p4_receipts_are_for_their_owner_alone(stage: Stage) -> None:
    open_page(stage)
    # Until the outbox is open the page does not listen.
    wait_until(lambda: stage.driver.execute_script(RECEIPTS_OF_TWO) or receipts(stage), "the page is told of its own")
    assert {receipt["id"] for receipt in receipts(stage)} == {"y"}
