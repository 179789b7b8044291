"""A database server of our own that is killed in mid-batch and started again (rows C2 and C4, promise P3)."""

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from tools import databases

from . import servers
from .servers import Device, ServerDied, Servers, note, only_what_counts

pytestmark = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has no server: it dies with the processes of test_killed"
)

DEVICES = 8
SUBMISSIONS = 150
KILLS = 3


@pytest.fixture(scope="module")
def database() -> Iterator[databases.Server]:
    start = {"postgresql": databases.postgresql, "mysql": databases.mariadb}[connection.vendor]
    with start() as database:
        yield database


@pytest.fixture(scope="module")
def parent(database: databases.Server) -> Iterator[Servers]:
    with servers.running(database.url) as parent:
        parent.migrate()
        yield parent


@pytest.fixture
def site(parent: Servers) -> Iterator[Servers]:
    yield parent
    parent.kill_all()


def held(site: Servers, batch: list[dict]) -> tuple[Counter, Counter]:
    prefix = batch[0]["fields"][0][1].split(" ")[0] + " "
    return site.rows([item["id"] for item in batch], prefix)


def assert_all_once(site: Servers, batch: list[dict]) -> None:
    ledger, notes = held(site, batch)
    assert ledger == Counter(item["id"] for item in batch)
    assert notes == Counter(item["fields"][0][1] for item in batch)


def settled(site: Servers, batch: list[dict]) -> dict[str, dict]:
    device = Device(site.port)
    try:
        return {key: receipts[-1] for key, receipts in device.settle(batch, random.Random(0)).items()}
    finally:
        device.close()


def test_c2_c4_killed_at_each_step_of_a_batch(site: Servers, database: databases.Server) -> None:
    """The worker survives it, and answers what it can."""
    step, whats, lived = 0, [], []
    while True:
        batch = [note(f"d{step} {place}") for place in range(3)]
        site.start(stop_at=step)
        device, ended = Device(site.port), threading.Event()
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(device.post, batch)
            answer.add_done_callback(lambda done, ended=ended: ended.set())
            stop = site.stops_or(ended)
            if stop is None:
                break
            database.kill()
            database.start()
            os.kill(stop["stopped"], signal.SIGUSR1)
            try:
                receipts = answer.result(servers.ANSWER_SECONDS)
            except ServerDied:
                receipts = []
        device.close()
        ledger, notes = held(site, batch)
        assert len(ledger) == len(notes)
        assert set(ledger.values()) | set(notes.values()) <= {1}
        # Nothing that was answered is lost.
        accepted = {receipt["id"] for receipt in receipts if receipt["status"] == "accepted"}
        assert accepted <= set(ledger)
        assert {receipt["status"] for receipt in receipts} <= {"accepted", "deferred"}
        later = settled(site, batch)
        for receipt in receipts:
            if receipt["status"] == "accepted":
                assert only_what_counts(receipt) == only_what_counts(later[receipt["id"]])
        assert_all_once(site, batch)
        whats.append(stop["what"])
        lived.append(len(accepted))
        site.kill_all()
        step += 1
    device.close()
    assert "INSERT" in whats
    assert "before COMMIT" in whats
    # After the commit nothing asks the database any more.
    assert (whats[-1], lived[-1]) == ("answer", 3)


def test_c2_c4_p3_killed_again_and_again_under_a_storm(site: Servers, database: databases.Server) -> None:
    batch = [note(f"storm {number}", slug=f"storm-{number}") for number in range(SUBMISSIONS)]
    site.start(2)
    devices = [Device(site.port) for _ in range(DEVICES)]
    heard: set[str] = set()

    def listen(device: Device, chance: random.Random) -> dict[str, list[dict]]:
        receipts: dict[str, list[dict]] = {}
        for item in chance.sample(batch, len(batch)):
            receipts |= device.settle([item], chance)
            heard.update(receipts)
        return receipts

    with ThreadPoolExecutor(DEVICES) as pool:
        futures = [pool.submit(listen, device, random.Random(seed)) for seed, device in enumerate(devices)]
        # So that each kill meets work that is left.
        for number in range(1, KILLS + 1):
            while len(heard) < number * SUBMISSIONS // (KILLS + 1):
                assert not all(future.done() for future in futures)
                threading.Event().wait(0.002)
            before = set(heard)
            database.kill()
            database.start()
            # Before anybody can have sent it again in full: what was answered is there.
            assert before <= set(held(site, batch)[0])
        answers = [future.result(servers.ANSWER_SECONDS) for future in futures]
    for device in devices:
        device.close()
    assert_all_once(site, batch)
    for item in batch:
        receipts = [receipt for answer in answers for receipt in answer[item["id"]]]
        assert {receipt["status"] for receipt in receipts} == {"accepted"}
        assert all(only_what_counts(receipt) == only_what_counts(receipts[0]) for receipt in receipts)
