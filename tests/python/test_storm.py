"""Twins by the dozen, over HTTP, at real server processes on the configured database (rows C1 and C4, promise P3)."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from offlinesync.models import Submission

from . import servers
from .sampleapp.models import Note
from .servers import Device, only_what_counts
from .wire import submission

PROCESSES = 2
DEVICES = 64
SUBMISSIONS = 200

pytestmark = pytest.mark.django_db(transaction=True)


def notes(count: int) -> list[dict]:
    return [
        submission(number, form="note", fields=[["title", f"Storm {number}"], ["slug", f"s{number}"]])
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize("atomic_requests", [False, True])
def test_p3_c1_c4_twin_storm(atomic_requests):
    """64 devices send the same 200 submissions at once: each is taken in once, and every sender hears the same."""
    submissions = notes(SUBMISSIONS)
    with servers.running(servers.database_url(), atomic_requests=atomic_requests) as site:
        site.start(PROCESSES)
        devices = [Device(site.port) for _ in range(DEVICES)]
        together = Barrier(DEVICES)

        def storm(device):
            together.wait()
            try:
                return device.settle(submissions, random.Random(devices.index(device)), sizes=(40, 100))
            finally:
                device.close()

        with ThreadPoolExecutor(DEVICES) as pool:
            answers = [future.result() for future in [pool.submit(storm, device) for device in devices]]

    assert Submission.objects.count() == SUBMISSIONS
    titles = Counter(Note.objects.values_list("title", flat=True))
    assert titles == {item["fields"][0][1]: 1 for item in submissions}
    print(f"{connection.vendor}: {len(titles)} rows, receipts {sum((item.statuses for item in devices), Counter())}")
    for item in submissions:
        receipts = [receipt for answer in answers for receipt in answer[item["id"]]]
        # All but one are replays, however the winner's answer was given.
        assert sum(not receipt["replayed"] for receipt in receipts) == 1
        assert all(only_what_counts(receipt) == only_what_counts(receipts[0]) for receipt in receipts)
        assert receipts[0]["status"] == "accepted"
        assert receipts[0]["result"]["url"] == f"/notes/{item['fields'][1][1]}/"
