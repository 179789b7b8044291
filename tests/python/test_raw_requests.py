"""Bytes that no browser sends, at a real server process, and what they cost it (row C8)."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from offlinesync.conf import FALLBACK_MAX_BYTES
from offlinesync.models import Submission

from . import servers
from .servers import Device, Servers, note
from .test_killed import post

pytestmark = pytest.mark.django_db(transaction=True)

HEAD = b"POST /offlinesync/submissions/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
# As long as the site lets JSON be, and a little less.
LONG = FALLBACK_MAX_BYTES - 1000
MEBIBYTE = 1024 * 1024
PROC = Path("/proc")


@pytest.fixture(scope="module")
def parent(django_db_setup: None) -> Iterator[Servers]:
    with servers.running(servers.database_url()) as parent:
        yield parent


@pytest.fixture
def site(parent: Servers) -> Iterator[Servers]:
    # One thread, because each has a store of its own that it does not give back.
    parent.start(threads=1)
    yield parent
    parent.kill_all()


def answer_to(site: Servers, request: bytes) -> bytes:
    """Everything that comes back until the server hangs up, or nothing more is to come."""
    with closing(socket.create_connection(("127.0.0.1", site.port), timeout=servers.ANSWER_SECONDS)) as wire:
        received = b""
        # A server may hang up before it has heard it all.
        with suppress(ConnectionError):
            wire.sendall(request)
            wire.shutdown(socket.SHUT_WR)
            while part := wire.recv(65536):
                received += part
    return received


@pytest.mark.parametrize(
    "request_",
    [
        HEAD + b"Content-Length: 100\r\n\r\n{}",
        HEAD + b"Content-Length: -1\r\n\r\n{}",
        HEAD + b"Content-Length: 99999999999999999999\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nContent-Length: 200\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        HEAD + b"Transfer-Encoding: gzip\r\n\r\n{}",
        HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n",
        HEAD + b"X: " + b"x" * 300_000 + b"\r\n\r\n",
        b"POST /offlinesync/submissions/ HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
        b"",
    ],
)
def test_c8_a_request_that_is_none_leaves_the_server_as_it_was(site: Servers, request_: bytes) -> None:
    received = answer_to(site, request_)
    assert b"Traceback" not in received
    assert not Submission.objects.exists()
    (receipt,) = post(site, [note("after")])
    assert receipt["status"] == "accepted"


def highest_memory(pid: int) -> int:
    """The most bytes a process has ever held."""
    lines = (PROC / str(pid) / "status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


@pytest.mark.skipif(not (PROC / "self" / "status").exists(), reason="the system does not tell what a process holds")
def test_c8_the_memory_of_a_process_is_bounded_whatever_it_is_sent(site: Servers) -> None:
    device = Device(site.port)
    device.post([note("before")])
    before = highest_memory(site.workers[0])
    wide = b'{"protocol": 1, "owner": null, "submissions": ['
    hostile = [
        wide + b"[]," * (LONG // 3),
        wide + b"{}," * (LONG // 3),
        b"[" * LONG,
        b'{"a":' * (LONG // 5),
        wide + b'"' + b"\\u0000" * (LONG // 6),
        wide + b"1," * (LONG // 2),
        json.dumps({"protocol": 1, "owner": None, "submissions": [{**note("x"), "data": {"a": "y" * LONG}}]}).encode(),
    ]
    for _ in range(3):
        for body in hostile:
            assert len(body) < FALLBACK_MAX_BYTES + 1000
            status, _, answer = device.request("POST", "submissions/", body, device.headers)
            assert status in (200, 400, 413)
            assert status == 200 or set(answer) == {"code", "detail"}
    device.close()
    grown = (highest_memory(site.workers[0]) - before) / MEBIBYTE
    print(f"grown by {grown:.0f} MiB")
    # The body some times over. Built without limits, the lists alone would take three times as much.
    assert grown < 45
