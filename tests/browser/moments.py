"""The moments in a delivery at which a browser, a worker or a link can die, each to be waited for and struck in."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from . import proxy, wire
from .proxy import SESSION, SUBMISSIONS, Behaviour, Gate, Proxy
from .wire import Exchange


def go_on(client: socket.socket) -> None:
    """Nothing has happened to the connection."""


def close(client: socket.socket) -> None:
    """End the connection in the ordinary way, wherever its bytes have come to."""
    client.shutdown(socket.SHUT_RDWR)


def anyones(exchange: Exchange) -> bool:
    """Whoever has sent it."""
    return True


class Moment:
    """One moment of the next request of a kind: says when it has come, and holds the request there until let go."""

    def __init__(
        self,
        name: str,
        *,
        concerned: Callable[[Exchange], bool] = anyones,
        otherwise: Behaviour = proxy.forward,
        then: Callable[[socket.socket], None] = go_on,
    ) -> None:
        self.name = name
        self.concerned = concerned
        self.otherwise = otherwise
        self.then = then
        self.used = threading.Lock()
        self.come = threading.Event()
        self.gate = Gate()

    def lay(self, through: Proxy) -> None:
        """Wait in this proxy for the moment."""
        for path in (SESSION, SUBMISSIONS):
            through.before_body(path, self.behave)

    def behave(self, through: Proxy, exchange: Exchange, client: socket.socket) -> None:
        """Treat the request that the moment belongs to by it, and all others as they would be."""
        path, treatment = MOMENTS[self.name]
        if exchange.path == path and self.concerned(exchange) and self.used.acquire(blocking=False):
            treatment(self, through, exchange, client)
        elif wire.read_body(client, exchange):
            self.otherwise(through, exchange, client)

    def hold(self, through: Proxy, exchange: Exchange, client: socket.socket) -> None:
        """Say that the moment has come, and wait until it is over; what then becomes of the connection may end it."""
        self.come.set()
        self.gate.wait(through, exchange)
        self.then(client)

    def let_go(self) -> None:
        """Let the request go on, as far as there is anybody to go on with."""
        self.gate.open()


def at_the_head(moment: Moment, through: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """The head of the request has come; the body is still to be read."""
    moment.hold(through, exchange, client)
    if wire.read_body(client, exchange):
        proxy.forward(through, exchange, client)


def inside_the_request(moment: Moment, through: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """The site has half of the request."""
    half = exchange.length // 2
    while len(exchange.body) < half:
        chunk = client.recv(half - len(exchange.body))
        if not chunk:
            return
        exchange.body += chunk
    with through.held(through.dial()) as site:
        site.sendall(wire.forwarded_head(exchange) + exchange.body[:half])
        moment.hold(through, exchange, client)
        if wire.read_body(client, exchange):
            site.sendall(exchange.body[half:])
            exchange.reached_site = True
            client.sendall(wire.read_answer(site))


def before_the_site(moment: Moment, through: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """The whole request is on its way; the site hears of it when the moment is over."""
    if wire.read_body(client, exchange):
        moment.hold(through, exchange, client)
        proxy.forward(through, exchange, client)


def in_the_site(moment: Moment, through: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """The site has just got the request, and works on it."""
    if wire.read_body(client, exchange):
        with through.held(through.dial()) as site:
            proxy.give(exchange, site)
            moment.hold(through, exchange, client)
            client.sendall(wire.read_answer(site))


def before_the_answer(moment: Moment, through: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """The site has done what it was asked, and nobody knows."""
    if wire.read_body(client, exchange):
        received = proxy.ask(through, exchange)
        moment.hold(through, exchange, client)
        client.sendall(received)


def inside_the_answer(moment: Moment, through: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """The browser has half of the answer's body."""
    if wire.read_body(client, exchange):
        received = proxy.ask(through, exchange)
        half = (len(received) + received.index(b"\r\n\r\n") + 4) // 2
        client.sendall(received[:half])
        moment.hold(through, exchange, client)
        client.sendall(received[half:])


def after_the_answer(moment: Moment, through: Proxy, exchange: Exchange, client: socket.socket) -> None:
    """The browser has the whole answer, and settles it."""
    if wire.read_body(client, exchange):
        proxy.forward(through, exchange, client)
        moment.come.set()


Treatment = Callable[[Moment, Proxy, Exchange, socket.socket], None]
MOMENTS: dict[str, tuple[str, Treatment]] = {
    "session": (SESSION, before_the_site),
    "head": (SUBMISSIONS, at_the_head),
    "inside_request": (SUBMISSIONS, inside_the_request),
    "before_site": (SUBMISSIONS, before_the_site),
    "in_site": (SUBMISSIONS, in_the_site),
    "before_answer": (SUBMISSIONS, before_the_answer),
    "inside_answer": (SUBMISSIONS, inside_the_answer),
    "settling": (SUBMISSIONS, after_the_answer),
}
