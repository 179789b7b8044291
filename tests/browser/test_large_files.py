"""A large file over a link that is cut again and again: it arrives once, and little of it travels twice (row E4)."""

from __future__ import annotations

import io
import random
import socket
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

from . import pages, proxy, wire
from .matrix import CHROMIUM_FIRST
from .network import Network
from .proxy import PARTS, Gate, Proxy
from .stage import Stage, Way
from .waiting import wait_until
from .wire import Exchange

TITLE = "From the summit"
# A bit less than 50 MB.
WIDTH = 4080
CUTS = 5
SECONDS_AWAY = 1
# For fifty megabytes through a proxy that is written in Python, and five waits until it is tried again.
PATIENCE = 240
MEGABYTE = 1_000_000
PART = 512 * 1024
BAR = """
const bar = document.querySelector(".offlinesync-sending progress");
return bar && { max: bar.max, value: bar.hasAttribute("value") ? bar.value : null };
"""


def large_photo(width: int) -> bytes:
    """A PNG of noise that is not compressed."""
    file = io.BytesIO()
    pixels = random.Random(7).randbytes(width * width * 3)
    Image.frombytes("RGB", (width, width), pixels).save(file, "PNG", compress_level=0)
    return file.getvalue()


class CutLink:
    """Cuts the link at so many places of a file, chosen by a seed, and counts what is sent of it."""

    def __init__(self, network: Network, size: int, seed: int) -> None:
        self.network = network
        self.places = sorted(random.Random(seed).sample(range(size), CUTS))
        self.sent = 0
        self.cuts = 0

    def behave(self, through: Proxy, exchange: Exchange, client: socket.socket) -> None:
        """Pass a part on, or break off in the middle of it; every other time when the site has it already."""
        offset = int(parse_qs(urlsplit(exchange.target).query).get("offset", ["0"])[0])
        is_cut = bool(self.places) and exchange.method == "POST" and self.places[0] < offset + exchange.length
        if is_cut and len(self.places) % 2:
            self.receive(exchange, client, self.places[0] - offset)
        elif not wire.read_body(client, exchange):
            return
        self.sent += len(exchange.body)
        if not is_cut:
            return proxy.forward(through, exchange, client)
        if len(exchange.body) == exchange.length:
            proxy.ask(through, exchange)
        self.cut(client)

    def receive(self, exchange: Exchange, client: socket.socket, most: int) -> None:
        """Read so much of the body."""
        while len(exchange.body) < most and (chunk := client.recv(min(wire.CHUNK, most - len(exchange.body)))):
            exchange.body += chunk

    def cut(self, client: socket.socket) -> None:
        """Pull the link, and plug it in again."""
        self.places.pop(0)
        self.cuts += 1
        self.network.pull()
        proxy.reset(client)
        time.sleep(SECONDS_AWAY)
        self.network.plug_in()


def memory_of(pid: int, what: str) -> int:
    """A process's memory in bytes: VmRSS now, VmHWM at the most since it was forgotten."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines[what].split()[0]) * 1024


def send(stage: Stage, title: str, file: Path) -> None:
    """Send a post with a photo."""
    stage.open(pages.FORM)
    pages.fill(stage, title, file=file)
    pages.submit(stage)


@pytest.mark.wide
@pytest.mark.parametrize("way", [Way.CABLE])
@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_e4_a_large_photo_over_a_link_that_is_cut_arrives_once_and_is_not_sent_twice(stage: Stage) -> None:
    photo = large_photo(WIDTH)
    assert len(photo) > 49 * MEGABYTE
    # Whatever its size, the first one has each of the server's threads take the memory that it then keeps.
    send(stage, "From the valley", pages.photo_file(stage, large_photo(WIDTH // 2), "valley.png"))
    pages.wait_for_title(stage.driver, "Posts")
    server = stage.site.process.pid
    Path(f"/proc/{server}/clear_refs").write_text("5")
    before = memory_of(server, "VmRSS")

    link = CutLink(stage.network, len(photo), seed=5)
    stage.proxy.before_body(PARTS, link.behave)
    send(stage, TITLE, pages.photo_file(stage, photo))
    wait_until(lambda: stage.site.posts(TITLE), "the large photo has arrived", seconds=PATIENCE)
    pages.wait_for_empty_outbox(stage)
    grown = memory_of(server, "VmHWM") - before

    post = pages.only_post(stage, TITLE)
    assert stage.site.photo_of(post) == photo
    assert link.cuts == CUTS
    assert link.sent < 1.1 * len(photo)
    # None of the requests that have its submission has the photo as well.
    assert sum(len(exchange.body) for exchange in stage.proxy.deliveries) < MEGABYTE * 2
    assert grown < len(photo) / 2
    print(f"{len(photo)} bytes, {link.sent} sent in parts, the server has grown by {grown} bytes at the most")


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_e4_a_browser_that_is_killed_in_the_middle_goes_on_where_it_was(stage: Stage) -> None:
    photo = large_photo(WIDTH // 4)
    gate = Gate()
    fourth = proxy.where(lambda exchange: exchange.target.endswith(f"&offset={3 * PART}"), gate.before_request)
    stage.proxy.on(PARTS, fourth)
    send(stage, TITLE, pages.photo_file(stage, photo))
    wait_until(lambda: gate.held, "half of it is there")
    stage.browser.kill()
    gate.open()
    stage.proxy.heal()
    stage.browser.start()
    stage.open(pages.LIST)
    assert stage.site.photo_of(pages.wait_for_post(stage, TITLE)) == photo
    pages.wait_for_empty_outbox(stage)
    assert sum(len(exchange.body) for exchange in stage.proxy.requests(PARTS)) <= len(photo) + PART


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_e4_two_tabs_that_take_turns_send_each_part_once(stage: Stage) -> None:
    photo = large_photo(WIDTH // 2)
    gate = Gate()
    stage.proxy.on(PARTS, proxy.where(lambda exchange: exchange.method == "POST", gate.before_answer))
    send(stage, TITLE, pages.photo_file(stage, photo))
    wait_until(lambda: gate.held, "it is being sent")
    stage.driver.switch_to.new_window("tab")
    stage.open(pages.LIST)
    gate.open()
    assert stage.site.photo_of(pages.wait_for_post(stage, TITLE)) == photo
    sent = [exchange.target for exchange in stage.proxy.requests(PARTS) if exchange.method == "POST"]
    assert sorted(sent) == sorted(set(sent))


@pytest.mark.parametrize("engine", CHROMIUM_FIRST)
def test_the_page_says_how_much_of_a_large_file_has_arrived(stage: Stage) -> None:
    photo = large_photo(WIDTH // 4)
    gates = {3: Gate(), 5: Gate()}

    def hold(through: Proxy, exchange: Exchange, client: socket.socket) -> None:
        at = [gate for parts, gate in gates.items() if exchange.target.endswith(f"&offset={parts * PART}")]
        (at[0].before_request if at else proxy.forward)(through, exchange, client)

    pages.keep_pages(stage)
    # What the worker has sent is told when the page has had its turn again.
    pages.deny_background_sync(stage)
    stage.proxy.on(None, proxy.refuse)
    pages.write_post(stage, TITLE, file=pages.photo_file(stage, photo))
    pages.wait_for_saved(stage, waiting=1, is_denied=True)
    stage.proxy.on(None, proxy.forward)
    stage.proxy.on(PARTS, hold)
    # A page that does not wait for what becomes of its form says nothing else meanwhile.
    stage.open(pages.LIST)
    for parts, gate in gates.items():
        share = pytest.approx({"max": 1, "value": parts * PART / len(photo)})
        wait_until(lambda share=share: stage.driver.execute_script(BAR) == share, f"it tells of {parts} parts")
        assert pages.connection(stage.driver) == ["Sending: 1 of 1"]
        gate.open()
    assert stage.site.photo_of(pages.wait_for_post(stage, TITLE)) == photo


def test_of_what_goes_out_whole_the_page_only_says_that_it_does(stage: Stage) -> None:
    gate = Gate()
    stage.proxy.on(proxy.SUBMISSIONS, gate.before_request)
    send(stage, TITLE, pages.photo_file(stage, pages.photo()))
    wait_until(lambda: stage.driver.execute_script(BAR) == {"max": 1, "value": None}, "it says that it is being sent")
    gate.open()
    pages.wait_for_post(stage, TITLE)
