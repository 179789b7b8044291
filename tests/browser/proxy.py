"""What stands between browser and site: it passes requests on, notes them down, and fails on command."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

from . import wire
from .network import Namespace
from .wire import Exchange

SESSION = "/offlinesync/session/"
SUBMISSIONS = "/offlinesync/submissions/"
PARTS = "/offlinesync/parts/"
DIAL_SECONDS = 10
CLOSE_SECONDS = 10

Behaviour = Callable[["Proxy", Exchange, socket.socket], None]
MakeAnswer = Callable[[Exchange], bytes]


class Listener:
    """A TCP server with a thread for each connection, none of which outlives it."""

    def __init__(self, namespace: Namespace, address: tuple[str, int]) -> None:
        self.socket = namespace.listen(address)
        self.port = int(self.socket.getsockname()[1])
        self.closing = threading.Event()
        self.open_sockets: set[socket.socket] = set()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def accept(self) -> None:
        """Serve connections until the listener is closed."""
        while not self.closing.is_set():
            try:
                client, _ = self.socket.accept()
            except OSError:
                # The listener is closed, or a client had gone before its turn came.
                continue
            thread = threading.Thread(target=self.serve, args=[client], daemon=True)
            self.threads.append(thread)
            thread.start()

    def serve(self, client: socket.socket) -> None:
        """Handle one connection and close it; a peer that has gone is no error here."""
        with self.held(client), suppress(OSError):
            self.handle(client)

    def handle(self, client: socket.socket) -> None:
        """What to do with a connection."""
        raise NotImplementedError

    def held(self, connection: socket.socket) -> Held:
        """Keep a socket where close() finds it."""
        return Held(self, connection)

    def cut(self) -> None:
        """Cut every connection that there is."""
        with self.lock:
            for connection in self.open_sockets:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close every socket and wait for the threads to see it."""
        self.closing.set()
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.cut()
        for thread in list(self.threads):
            thread.join(CLOSE_SECONDS)
            if thread.is_alive():
                raise RuntimeError("a connection of the tests' proxy does not end")


class Held:
    """A socket that its listener can cut, and that is closed at the end of the block."""

    def __init__(self, listener: Listener, connection: socket.socket) -> None:
        self.listener = listener
        self.connection = connection

    def __enter__(self) -> socket.socket:
        with self.listener.lock:
            self.listener.open_sockets.add(self.connection)
        return self.connection

    def __exit__(self, *_: object) -> None:
        with self.listener.lock:
            self.listener.open_sockets.discard(self.connection)
        self.connection.close()


class Relay(Listener):
    """Bytes to and fro: lets a server that listens on its own loopback be reached over the cable."""

    def __init__(self, namespace: Namespace, address: tuple[str, int], destination: tuple[str, int]) -> None:
        self.namespace = namespace
        self.destination = destination
        super().__init__(namespace, address)

    def handle(self, client: socket.socket) -> None:
        with self.held(self.namespace.connect(self.destination, DIAL_SECONDS)) as site:
            site.settimeout(None)
            back = threading.Thread(target=pump, args=[site, client], daemon=True)
            back.start()
            pump(client, site)
            back.join()


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Copy what comes until it ends, and say so."""
    with suppress(OSError):
        while chunk := source.recv(wire.CHUNK):
            sink.sendall(chunk)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


class Proxy(Listener):
    """An HTTP proxy for one site, under a port of `localhost`, which browsers hold for secure."""

    def __init__(self, namespace: Namespace, destination: tuple[str, int]) -> None:
        self.namespace = namespace
        self.destination = destination
        self.exchanges: list[Exchange] = []
        self.behaviours: dict[str | None, Behaviour] = {}
        self.early: dict[str, Behaviour] = {}
        super().__init__(namespace, ("127.0.0.1", 0))
        self.url = f"http://localhost:{self.port}"

    def on(self, path: str | None, behaviour: Behaviour) -> None:
        """Treat requests for a path so from now on; None stands for every path."""
        self.behaviours[path] = behaviour

    def before_body(self, path: str, behaviour: Behaviour) -> None:
        """Treat requests for a path so from now on, when no more than their head has been read."""
        self.early[path] = behaviour

    def heal(self) -> None:
        """Pass on everything from now on."""
        self.behaviours.clear()
        self.early.clear()

    def handle(self, client: socket.socket) -> None:
        exchange = wire.read_head(client)
        if exchange is None:
            return
        early = self.early.get(exchange.path)
        if early:
            self.exchanges.append(exchange)
            early(self, exchange, client)
        elif wire.read_body(client, exchange):
            self.exchanges.append(exchange)
            self.treat(exchange, client)

    def treat(self, exchange: Exchange, client: socket.socket) -> None:
        """Do with a whole request what it has been told to."""
        behaviour = self.behaviours.get(exchange.path) or self.behaviours.get(None) or forward
        behaviour(self, exchange, client)

    def dial(self) -> socket.socket:
        """A connection to the site."""
        site = self.namespace.connect(self.destination, DIAL_SECONDS)
        site.settimeout(None)
        return site

    def requests(self, path: str) -> list[Exchange]:
        """What was asked of a path, oldest first."""
        return [exchange for exchange in self.exchanges if exchange.path == path]

    @property
    def deliveries(self) -> list[Exchange]:
        """The POSTs of submissions that the site has been given."""
        return [exchange for exchange in self.requests(SUBMISSIONS) if exchange.reached_site]


def ask(proxy: Proxy, exchange: Exchange) -> bytes:
    """Give the request to the site and take its answer."""
    with proxy.held(proxy.dial()) as site:
        give(exchange, site)
        received = wire.read_answer(site)
    exchange.status = wire.status_of(received)
    return received


def forward(proxy: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """Pass the request on, and the answer back."""
    client.sendall(ask(proxy, exchange))


def refuse(proxy: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """Reset the connection; the site never hears of it."""
    reset(client)


def cut_after_request(proxy: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """Reset the connection as soon as the site has the request; the site goes on with it."""
    with proxy.held(proxy.dial()) as site:
        give(exchange, site)
        reset(client)
        exchange.status = wire.status_of(wire.read_answer(site))


def cut_before_answer(proxy: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """Reset the connection when the site has answered."""
    ask(proxy, exchange)
    reset(client)


def cut_inside_answer(proxy: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """Pass on the answer's head and half its body."""
    head, separator, body = ask(proxy, exchange).partition(b"\r\n\r\n")
    client.sendall(head + separator + body[: len(body) // 2])


def trickling(proxy: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """Pass the answer on in drops."""
    received = ask(proxy, exchange)
    for start in range(0, len(received), 20):
        client.sendall(received[start : start + 20])
        if proxy.closing.wait(0.02):
            return


def rewriting(change: Callable[[bytes], bytes]) -> Behaviour:
    """Pass on the site's answer with another body."""

    def behaviour(proxy: Proxy, exchange: Exchange, client: socket.socket) -> None:
        head, separator, body = ask(proxy, exchange).partition(b"\r\n\r\n")
        changed = change(body)
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length:")]
        # What says no length is a stream to the worker, which keeps none.
        lines.append(b"Content-Length: %d" % len(changed))
        client.sendall(b"\r\n".join(lines) + separator + changed)

    return behaviour


def answering(make: MakeAnswer) -> Behaviour:
    """Answer in the site's place."""

    def behaviour(proxy: Proxy, exchange: Exchange, client: socket.socket) -> None:
        client.sendall(make(exchange))

    return behaviour


def never_ending(proxy: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """Begin a good answer, and go on with it for ever."""
    client.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"receipts": [')
    while not proxy.closing.wait(0.1):
        client.sendall(b" ")


class Gate:
    """Holds requests, or their answers, until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.held: list[Exchange] = []

    def open(self) -> None:
        """Let everything go on."""
        self.opened.set()

    def before_request(self, proxy: Proxy, exchange: Exchange, client: socket.socket) -> None:
        """Hold the request."""
        self.wait(proxy, exchange)
        forward(proxy, exchange, client)

    def before_answer(self, proxy: Proxy, exchange: Exchange, client: socket.socket) -> None:
        """Hold the answer: the site has done what it was asked."""
        received = ask(proxy, exchange)
        self.wait(proxy, exchange)
        client.sendall(received)

    def wait(self, proxy: Proxy, exchange: Exchange) -> None:
        """Wait for the gate, or for the proxy's end."""
        self.held.append(exchange)
        while not self.opened.wait(0.05):
            if proxy.closing.is_set():
                return


def where(
    concerned: Callable[[Exchange], bool], behaviour: Behaviour, *, otherwise: Behaviour | None = None
) -> Behaviour:
    """The behaviour for some requests, and another or none for the others."""

    def choose(proxy: Proxy, exchange: Exchange, client: socket.socket) -> None:
        (behaviour if concerned(exchange) else otherwise or forward)(proxy, exchange, client)

    return choose


def once(first: Behaviour) -> Behaviour:
    """The behaviour for the first request, and none for the others."""
    used = threading.Lock()

    def behaviour(proxy: Proxy, exchange: Exchange, client: socket.socket) -> None:
        (first if used.acquire(blocking=False) else forward)(proxy, exchange, client)

    return behaviour


def give(exchange: Exchange, site: socket.socket) -> None:
    """Send the request to the site."""
    site.sendall(wire.forwarded_head(exchange) + exchange.body)
    exchange.reached_site = True


def reset(connection: socket.socket) -> None:
    """Make closing a connection tell the peer so at once, as a crash does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
