"""HTTP requests and answers as bytes, as far as the proxy has to read them."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from http import HTTPStatus
from typing import Any

WORKER = "/offlinesync/serviceworker.js"
CHUNK = 65536


@dataclass(frozen=True)
class Part:
    """One part of a multipart body."""

    name: str
    filename: str | None
    type: str
    content: bytes


@dataclass
class Exchange:
    """One request, and how far it came."""

    method: str
    target: str
    headers: Message
    head: bytes = field(repr=False)
    body: bytes = field(repr=False)
    at: float = field(default_factory=time.monotonic)
    reached_site: bool = False
    status: int | None = None

    def __str__(self) -> str:
        sender = "worker" if self.from_worker else "page"
        return f"{self.at:.2f} {sender} {self.method} {self.target} {self.status} {len(self.body)} bytes"

    @property
    def path(self) -> str:
        """The path without its query."""
        return self.target.partition("?")[0]

    @property
    def length(self) -> int:
        """The bytes of the whole body, as its head has it."""
        return int(self.headers.get("Content-Length", 0))

    @property
    def from_worker(self) -> bool:
        """Whether the service worker sent it, and no page."""
        return self.headers.get("Referer", "").endswith(WORKER)

    @property
    def parts(self) -> dict[str, Part]:
        """The parts of a multipart body by their names."""
        boundary = self.headers.get_boundary()
        assert boundary is not None, "the body is not multipart"
        pieces = (b"\r\n" + self.body).split(b"\r\n--" + boundary.encode())[1:-1]
        return {part.name: part for part in map(read_part, pieces)}

    @property
    def batch(self) -> dict[str, Any]:
        """The JSON of a POST of submissions."""
        multipart = self.headers.get_content_type() == "multipart/form-data"
        return dict(json.loads(self.parts["batch"].content if multipart else self.body))

    @property
    def titles(self) -> list[str]:
        """The titles of the posts it carries."""
        return [dict(submission["fields"])["title"] for submission in self.batch["submissions"]]

    @property
    def ids(self) -> list[str]:
        """The ids of the submissions it carries."""
        return [submission["id"] for submission in self.batch["submissions"]]


def read_part(piece: bytes) -> Part:
    """One part, from its first header to its last byte."""
    head, _, content = piece.partition(b"\r\n\r\n")
    headers = BytesHeaderParser().parsebytes(head.lstrip() + b"\r\n\r\n")
    name = headers.get_param("name", header="content-disposition")
    return Part(str(name), headers.get_filename(), headers.get_content_type(), content)


def read_head(client: socket.socket) -> Exchange | None:
    """The next request on a connection, with as much of its body as has come with its head; None when none comes."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = client.recv(CHUNK)
        if not chunk:
            return None
        received += chunk
    head, _, rest = received.partition(b"\r\n\r\n")
    line, _, fields = head.partition(b"\r\n")
    headers = BytesHeaderParser().parsebytes(fields + b"\r\n\r\n")
    method, target, _ = line.decode("latin-1").split(" ")
    return Exchange(method, target, headers, head, rest)


def read_body(client: socket.socket, exchange: Exchange) -> bool:
    """Read what is still to come of a request's body; whether it came."""
    body = bytearray(exchange.body)
    while len(body) < exchange.length:
        chunk = client.recv(CHUNK)
        if not chunk:
            return False
        body += chunk
    exchange.body = bytes(body)
    return True


def forwarded_head(exchange: Exchange) -> bytes:
    """The request's head, with one request on a connection so that the answer ends where the connection does."""
    hop_by_hop = (b"connection:", b"keep-alive:", b"proxy-connection:")
    lines = [line for line in exchange.head.split(b"\r\n") if not line.lower().startswith(hop_by_hop)]
    return b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n"


def read_answer(site: socket.socket) -> bytes:
    """The whole answer, to the end of the connection."""
    received = bytearray()
    while chunk := site.recv(CHUNK):
        received += chunk
    return bytes(received)


def status_of(received: bytes) -> int | None:
    """The status of an answer; None where there is none."""
    words = received[:64].split(b" ", 2)
    return int(words[1]) if len(words) > 1 else None


def answer(status: int, body: bytes | str = b"", content_type: str = "application/json", **headers: str) -> bytes:
    """A whole HTTP answer."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Connection: close", "Cache-Control: no-store"]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    if status != HTTPStatus.NO_CONTENT:
        lines.append(f"Content-Length: {len(content)}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content
