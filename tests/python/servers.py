"""Real server processes and the devices that send to them, over HTTP.

Needs no settings of Django: the long runs use it from outside.
"""

import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[2]
# Bounds for what would otherwise never end, not expectations.
ANSWER_SECONDS = 120
MOST_REQUESTS = 400
THREADS = 16


class ServerDied(Exception):
    """The connection ended without an answer: nothing is known."""


def database_url() -> str:
    """The test database as another process opens it."""
    from django.db import connection

    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{quote(str(settings['NAME']))}"
    scheme = {"postgresql": "postgres", "mysql": "mysql"}[connection.vendor]
    account = quote(settings["USER"]) + (f":{quote(settings['PASSWORD'])}" if settings["PASSWORD"] else "")
    port = f":{settings['PORT']}" if settings["PORT"] else ""
    return f"{scheme}://{account}@{settings['HOST']}{port}/{settings['NAME']}"


def note(title: str, **fields: str) -> dict:
    """A submission of the tests' note form, under an id as a device makes it: the time, then random bits."""
    random_bits = uuid.uuid4().int & (2**76 - 1)
    key = uuid.UUID(int=time.time_ns() // 1_000_000 << 80 | 0x7 << 76 | random_bits & ~(0x3 << 62) | 0x2 << 62)
    return {"id": str(key), "form": "note", "fields": [["title", title], *map(list, fields.items())]}


class Servers:
    """Worker processes that share a port and a database. See `serving.py`."""

    def __init__(self, process: subprocess.Popen, log: Path) -> None:
        self.log = log
        self.workers: list[int] = []
        self._process = process
        self._answers: Queue = Queue()
        self._stops: Queue = Queue()
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.port = 0

    def start(
        self, count: int = 1, *, stop_at: int | None = None, hangs: bool = False, threads: int = THREADS
    ) -> None:
        """Fork so many workers; they may stop at a step of a delivery, or hang in a handler that is told to."""
        for _ in range(count):
            answer = self._ask(do="start", stop_at=stop_at, hangs=hangs, threads=threads)
            self.workers.append(answer["started"])

    def kill(self, pid: int) -> None:
        """End a worker by SIGKILL."""
        self._ask(do="kill", pid=pid)
        self.workers.remove(pid)

    def kill_all(self) -> None:
        """End every worker, and forget what they have said."""
        for pid in list(self.workers):
            self.kill(pid)
        while not self._stops.empty():
            self._stops.get()

    def migrate(self) -> None:
        """Make the tables."""
        self._ask(do="migrate")

    def rows(self, ids: Iterable[str], prefix: str = "") -> tuple[Counter, Counter]:
        """Which of the ids are in the ledger, and which titles with the prefix, each with how often it is there."""
        rows = self._ask(do="rows", ids=list(ids), prefix=prefix)
        return Counter(rows["ledger"]), Counter(rows["notes"])

    def stopped(self) -> dict[str, Any]:
        """Wait until a worker says where it has stopped."""
        return self._stops.get(timeout=ANSWER_SECONDS)

    def stops_or(self, ended: threading.Event) -> dict[str, Any] | None:
        """Where a worker has stopped; None when what was to stop it has ended before."""
        until = time.monotonic() + ANSWER_SECONDS
        while self._stops.empty():
            assert time.monotonic() < until, "neither stopped nor ended"
            if ended.wait(0.002) and self._stops.empty():
                return None
        return self._stops.get()

    def close(self) -> None:
        """End the parent; the workers notice, and end."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        # A worker may hold the other end a moment longer.
        self._reader.join(ANSWER_SECONDS)
        self._process.stdout.close()

    def _ask(self, **command: Any) -> dict[str, Any]:
        with self._lock:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
            return self.answer()

    def answer(self) -> dict[str, Any]:
        """The next thing that the parent says."""
        answer = self._answers.get(timeout=ANSWER_SECONDS)
        if answer is None:
            raise RuntimeError(f"The servers have ended:\n{self.log.read_text(errors='replace')[-4000:]}")
        return answer

    def _read(self) -> None:
        for line in self._process.stdout:
            told = json.loads(line)
            (self._stops if "stopped" in told else self._answers).put(told)
        self._answers.put(None)


@contextmanager
def running(url: str, *, atomic_requests: bool = False, **environment: str) -> Iterator[Servers]:
    """The parent of the workers, for as long as the block lasts. It starts none by itself."""
    with tempfile.TemporaryDirectory(prefix="offlinesync-servers-") as folder:
        environment = {
            "OFFLINESYNC_TEST_DIR": folder,
            **os.environ,
            **environment,
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "tests.python.serving_settings",
            "SERVING_ATOMIC_REQUESTS": "1" if atomic_requests else "0",
        }
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.python.serving"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )
        site = Servers(process, log)
        try:
            site.port = site.answer()["port"]
            yield site
        finally:
            site.close()


class Device:
    """An anonymous visitor's browser, as far as the protocol goes. It keeps its connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests = 0
        self.statuses: Counter = Counter()
        self._wire: http.client.HTTPConnection | None = None
        self.headers: dict[str, str] = {}

    def post(self, submissions: Iterable[dict]) -> list[dict]:
        """Send a batch once; its receipts. ``ServerDied`` where there is no answer, or one that says so."""
        if not self.headers:
            self._open_session()
        body = json.dumps({"protocol": 1, "owner": None, "submissions": list(submissions)})
        status, _, answer = self.request("POST", "submissions/", body, self.headers)
        if status == 503:
            raise ServerDied(answer)
        assert status == 200, answer
        for receipt in answer["receipts"]:
            self.statuses[receipt["status"]] += 1
        return answer["receipts"]

    def request(self, method: str, path: str, body: Any = None, headers: dict | None = None) -> tuple[int, Any, Any]:
        """Status, headers and JSON of an answer."""
        self.requests += 1
        try:
            if self._wire is None:
                self._wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
            self._wire.request(method, f"/offlinesync/{path}", body, headers or {})
            with self._wire.getresponse() as response:
                answer = response.read()
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise ServerDied from error
        return response.status, response.headers, json.loads(answer)

    def settle(
        self, submissions: Iterable[dict], chance: random.Random, sizes: tuple[int, int] = (1, 100)
    ) -> dict[str, list[dict]]:
        """Send shuffled parts until each has its receipt; every receipt but the deferred ones, by id."""
        left = {item["id"]: item for item in submissions}
        receipts: dict[str, list[dict]] = {key: [] for key in left}
        for _ in range(MOST_REQUESTS):
            if not left:
                return receipts
            part = chance.sample(sorted(left), min(len(left), chance.randint(*sizes)))
            try:
                answer = self.post([left[key] for key in part])
            except ServerDied:
                continue
            for receipt in answer:
                if receipt["status"] != "deferred":
                    left.pop(receipt["id"])
                    receipts[receipt["id"]].append(receipt)
        raise AssertionError(f"still without a receipt: {sorted(left)}")

    def close(self) -> None:
        """Hang up."""
        if self._wire is not None:
            self._wire.close()
        self._wire = None

    def _open_session(self) -> None:
        status, headers, session = self.request("GET", "session/")
        assert status == 200, session
        cookie = headers["Set-Cookie"].split(";")[0]
        self.headers = {"Cookie": cookie, "Content-Type": "application/json", "X-CSRFToken": session["csrf_token"]}


def only_what_counts(receipt: dict) -> dict:
    """A receipt without what may differ between twins."""
    return {key: value for key, value in receipt.items() if key != "replayed"}
