"""Twins by the dozen, over HTTP, at real server processes on the configured database (rows C1 and C4, promise P3)."""

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier
from urllib.parse import quote

import pytest
from django.db import connection

from demo_site.posts.models import Post
from offlinesync.models import Submission

from .wire import batch, submission

ROOT = Path(__file__).resolve().parents[2]
THREADS = 64
SUBMISSIONS = 200
PROCESSES = 2
# Bounds for what would otherwise never end, not expectations.
START_SECONDS = 60
MOST_REQUESTS = 200

pytestmark = pytest.mark.django_db(transaction=True)


def database_url() -> str:
    """The test database as another process opens it."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{quote(str(settings['NAME']))}"
    scheme = {"postgresql": "postgres", "mysql": "mysql"}[connection.vendor]
    account = quote(settings["USER"]) + (f":{quote(settings['PASSWORD'])}" if settings["PASSWORD"] else "")
    port = f":{settings['PORT']}" if settings["PORT"] else ""
    return f"{scheme}://{account}@{settings['HOST']}{port}/{settings['NAME']}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[int]]:
    """The ports of server processes that share the test database."""
    environment = {**os.environ, "DATABASE_URL": database_url(), "DEMO_DATA_DIR": str(tmp_path)}
    environment["DJANGO_SETTINGS_MODULE"] = "demo_site.settings"
    (tmp_path / "static").mkdir()
    ports = [free_port() for _ in range(PROCESSES)]
    command = [sys.executable, "-m", "waitress", "--threads=16"]
    processes = [
        subprocess.Popen(
            [*command, f"--listen=127.0.0.1:{port}", "demo_site.wsgi:application"], cwd=ROOT, env=environment
        )
        for port in ports
    ]
    try:
        for process, port in zip(processes, ports, strict=True):
            wait_for(process, port)
        yield ports
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def wait_for(process: subprocess.Popen, port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, "the server has ended by itself"
        assert time.monotonic() < until, "the server does not answer"
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)


class Sender:
    """A device that sends until every submission has its receipt."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.receipts = {}
        self.statuses = Counter()
        headers, session = self.request("GET", "session/")
        cookie = headers["Set-Cookie"].split(";")[0]
        self.headers = {"Cookie": cookie, "Content-Type": "application/json", "X-CSRFToken": session["csrf_token"]}

    def request(self, method, path, body=None, headers=None):
        with closing(http.client.HTTPConnection("localhost", self.port, timeout=120)) as wire:
            wire.request(method, f"/offlinesync/{path}", body, headers or {})
            response = wire.getresponse()
            answer = json.loads(response.read())
            assert response.status == 200, answer
            return response.headers, answer

    def send(self, submissions) -> None:
        left = {item["id"]: item for item in submissions}
        for _ in range(MOST_REQUESTS):
            if not left:
                return
            some = random.sample(list(left.values()), min(len(left), random.randint(50, 100)))
            _, answer = self.request("POST", "submissions/", json.dumps(batch(*some)), self.headers)
            for receipt in answer["receipts"]:
                self.statuses[receipt["status"]] += 1
                if receipt["status"] != "deferred":
                    del left[receipt["id"]]
                    self.receipts[receipt["id"]] = receipt
        raise AssertionError(f"still without a receipt: {left}")


def test_p3_twin_storm(servers):
    """64 devices send the same 200 submissions at once: each is taken in once, and every sender hears the same."""
    submissions = [
        submission(number, fields=[["title", f"Storm {number}"], ["location", "Sea"], ["body", "Twins"]])
        for number in range(1, SUBMISSIONS + 1)
    ]
    senders = [Sender(servers[number % PROCESSES]) for number in range(THREADS)]
    together = Barrier(THREADS)

    def storm(sender):
        together.wait()
        sender.send(submissions)

    with ThreadPoolExecutor(THREADS) as pool:
        for future in [pool.submit(storm, sender) for sender in senders]:
            future.result()

    assert Submission.objects.count() == SUBMISSIONS
    titles = Counter(Post.objects.values_list("title", flat=True))
    assert titles == {item["fields"][0][1]: 1 for item in submissions}
    statuses = sum((sender.statuses for sender in senders), Counter())
    print(f"{connection.vendor}: {len(titles)} rows, receipts {dict(statuses)}")
    for item in submissions:
        receipts = [dict(sender.receipts[item["id"]]) for sender in senders]
        # All but one are replays, however the winner's answer was given.
        assert sum(not receipt.pop("replayed") for receipt in receipts) <= 1
        assert all(receipt == receipts[0] for receipt in receipts)
        assert receipts[0]["status"] == "accepted"
