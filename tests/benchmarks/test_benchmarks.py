"""The benchmark's link and its record; no test says how fast anything is."""

from __future__ import annotations

import socketserver
import threading
from http.server import BaseHTTPRequestHandler

import pytest
from urllib3.contrib.socks import SOCKSProxyManager
from urllib3.exceptions import NewConnectionError

from benchmarks import record
from benchmarks.link import Link
from tests.browser.network import Namespace

BODY = b"x" * 5000


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def link(server: socketserver.TCPServer):
    link = Link(Namespace(), server.server_address[1])
    yield link
    link.close()


def a_record() -> dict[str, object]:
    figures = {"fcp": 1400, "lcp": 3000, "dcl": 900, "ours": 0, "page": 4650}
    more = {**figures, "lcp": 3500}
    visits = dict.fromkeys(("first", "list", "form"), figures)
    down = {"list_down": figures, "form_down": figures}
    return {
        "date": "2026-11-23T08:00:00+00:00",
        "command": "python -m benchmarks",
        "commit": "0123456789abcdef",
        "uncommitted_changes": False,
        "runs": 3,
        "machine": {"cpus": 2, "load": 0.1},
        "versions": {"Chromium": "156"},
        "link": {"round_trip_ms": 400, "kbit_per_second": 400},
        "visits": {
            "with": [{**visits, **down}, {**visits, **down, "first": more}, {**visits, **down, "first": more}],
            "without": [{**visits, "list_down": {}, "form_down": {}}] * 3,
        },
    }


def get(link: Link, url: str) -> bytes:
    with SOCKSProxyManager(f"socks5h://{link.proxy}", timeout=30, retries=False) as through:
        return through.request("GET", url).data


def test_the_link_passes_everything_on_and_notes_whose_bytes_they_are(link: Link) -> None:
    assert get(link, f"{link.url}/offlinesync/a.js") == BODY
    assert link.bytes_of("/offlinesync/a.js") > len(BODY)
    assert link.bytes_before(float("inf"), ("/offlinesync/",)) == link.bytes_of("/offlinesync/a.js")
    assert link.bytes_before(0, ("/offlinesync/",)) == 0
    assert link.bytes_of("/") == 0


def test_what_is_elsewhere_is_not_there(link: Link) -> None:
    with pytest.raises(NewConnectionError):
        get(link, "http://example.org/")
    assert not link.arrivals


def test_a_site_that_is_down_refuses_the_connection(link: Link, server: socketserver.TCPServer) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(NewConnectionError):
        get(link, link.url)


def test_the_table_has_the_median_with_the_smallest_and_the_largest() -> None:
    made = record.table(a_record())
    assert "| largest contentful paint, ms | **3,500** (3,000–3,500) | **3,000** (3,000–3,000) | +500 |" in made
    assert (
        "| server down, the form | largest contentful paint, ms | **3,000** (3,000–3,000) | does not open |  |" in made
    )


def test_the_page_is_checked_against_the_record(tmp_path, capsys) -> None:
    file = tmp_path / "benchmarks.json"
    assert record.check(file) == 0
    record.write(a_record(), file)
    assert record.check(file) == 0
    record.page_of(file).write_text("by hand")
    assert record.check(file) == 1
    file.unlink()
    assert record.check(file) == 1
    assert "run `python -m benchmarks.record write`" in capsys.readouterr().out
