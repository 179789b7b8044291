"""A slow link between a browser and a site: bytes take their time in both directions, and are noted down."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from tests.browser.network import Namespace

ROUND_TRIP_MS = 400
KBIT_PER_SECOND = 400
# As much as a packet carries: connections that send at the same time take turns packet by packet.
PACKET = 1460
REQUEST = re.compile(rb"[A-Z]+ (\S+) HTTP/1\.[01]\r\n")
CLOSE_SECONDS = 10
# What a SOCKS proxy answers (RFC 1928): to the greeting, and to the wish for a connection.
NO_PASSWORD = b"\x05\x00"
CONNECTED = b"\x05\x00\x00\x01" + bytes(6)
REFUSED = b"\x05\x05\x00\x01" + bytes(6)
NAME, PORT_BYTES = 3, 2

Note = Callable[[bytes], None]


@dataclass(frozen=True)
class Arrival:
    """Bytes of an answer that have reached the browser."""

    at: float
    target: str
    size: int


class Direction:
    """One direction of the link, which all connections share."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.free = 0.0

    async def carry(self, size: int) -> float:
        """Wait until so many bytes are on their way; when they arrive, by the loop's clock."""
        loop = asyncio.get_running_loop()
        async with self.turn:
            self.free = max(self.free, loop.time()) + size * 8 / (KBIT_PER_SECOND * 1000)
            await asyncio.sleep(self.free - loop.time())
            return self.free + ROUND_TRIP_MS / 2000


class Connection:
    """One connection of the browser, and the site's end of it."""

    def __init__(self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.link = link
        self.reader = reader
        self.writer = writer
        self.target = ""

    async def serve(self) -> None:
        """Set the connection up, which takes a round trip, and pass bytes on until both sides have ended."""
        await read_greeting(self.reader)
        self.writer.write(NO_PASSWORD)
        if await read_request(self.reader) != b"localhost":
            # What the browser wants from elsewhere, as Debian's start page, is not there, and takes no time.
            return self.refuse()
        await asyncio.sleep(ROUND_TRIP_MS / 1000)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.link.site_port)
        except OSError:
            return self.refuse()
        self.writer.write(CONNECTED)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self.pass_on(self.reader, writer, self.link.up, self.note_request))
                both.create_task(self.pass_on(reader, self.writer, self.link.down, self.note_answer))
        finally:
            writer.close()
            self.writer.close()

    def refuse(self) -> None:
        """Say that there is no such connection to be had."""
        self.writer.write(REFUSED)
        self.writer.close()

    async def pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction, note: Note
    ) -> None:
        """Read one end, and write to the other when the bytes have arrived there."""
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        async with asyncio.TaskGroup() as both:
            both.create_task(self.send(reader, direction, on_the_way))
            both.create_task(self.deliver(on_the_way, writer, note))

    async def send(
        self, reader: asyncio.StreamReader, direction: Direction, on_the_way: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        """Put packets on the link until there are none; an empty one says so."""
        packet = b"to begin with"
        while packet:
            try:
                packet = await reader.read(PACKET)
            except OSError:
                packet = b""
            await on_the_way.put((await direction.carry(len(packet)), packet))

    async def deliver(
        self, on_the_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter, note: Note
    ) -> None:
        """Take packets off the link."""
        loop = asyncio.get_running_loop()
        packet = b"to begin with"
        while packet:
            due, packet = await on_the_way.get()
            await asyncio.sleep(due - loop.time())
            # A peer that has gone is no error here.
            if writer.is_closing():
                continue
            if packet:
                note(packet)
                writer.write(packet)
            else:
                with suppress(OSError):
                    writer.write_eof()

    def note_request(self, packet: bytes) -> None:
        """What comes back from now on answers this request: browsers send one at a time."""
        if found := REQUEST.match(packet):
            self.target = found[1].decode("latin-1")

    def note_answer(self, packet: bytes) -> None:
        """Note down what has reached the browser."""
        self.link.arrivals.append(Arrival(time.time(), self.target, len(packet)))


class Link:
    """The link to one site, as a SOCKS proxy: a browser knows of one when its connection stands, and not before.

    A listener's kernel accepts whatever comes at once, and a browser then binds its requests to connections that
    would not be there yet.
    """

    def __init__(self, namespace: Namespace, site_port: int) -> None:
        self.site_port = site_port
        self.arrivals: list[Arrival] = []
        self.socket = namespace.listen(("127.0.0.1", 0))
        self.url = f"http://localhost:{site_port}"
        self.proxy = f"127.0.0.1:{self.socket.getsockname()[1]}"
        # Browsers take no proxy to this machine unless they are told to.
        self.arguments = (f"--proxy-server=socks5://{self.proxy}", "--proxy-bypass-list=<-loopback>")
        self.up, self.down = Direction(), Direction()
        self.ended = asyncio.Event()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.run, args=[namespace], daemon=True)
        self.thread.start()

    def run(self, namespace: Namespace) -> None:
        """Serve connections until the link is closed."""
        with namespace.entered(), asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(self.serve())

    async def serve(self) -> None:
        """Accept connections; the runner cancels what is left of them."""
        server = await asyncio.start_server(self.accept, sock=self.socket)
        await self.ended.wait()
        server.close()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection; being cancelled is how it ends when the link is closed."""
        # A browser that changes its mind leaves in the middle of its wish.
        with suppress(asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionResetError):
            await Connection(self, reader, writer).serve()

    def bytes_before(self, at: float, prefixes: tuple[str, ...]) -> int:
        """How much had come of answers for such targets by then, with their heads."""
        return sum(found.size for found in self.arrivals if found.at <= at and found.target.startswith(prefixes))

    def bytes_of(self, target: str) -> int:
        """How much has come of answers for one target, with their heads."""
        return sum(found.size for found in self.arrivals if found.target == target)

    def close(self) -> None:
        """Cut every connection, and wait for the thread to end."""
        self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join(CLOSE_SECONDS)


async def read_greeting(reader: asyncio.StreamReader) -> None:
    """Read how the browser would make itself known."""
    _, methods = await reader.readexactly(2)
    await reader.readexactly(methods)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Read where the browser wants to: a name, as browsers leave it to the proxy to look it up."""
    *_, kind, length = await reader.readexactly(5)
    if kind != NAME:
        raise ValueError(f"A SOCKS address of kind {kind}, where a name was to come")
    name = await reader.readexactly(length)
    await reader.readexactly(PORT_BYTES)
    return name
