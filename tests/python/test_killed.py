"""Server processes that are killed between any two statements, over HTTP (rows B8, C2 and C4, promise P3)."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from offlinesync.models import Submission

from . import servers
from .sampleapp.factories import uuid7
from .sampleapp.models import Note
from .servers import Device, ServerDied, Servers, only_what_counts
from .wire import submission

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module", params=[False, True], ids=["", "ATOMIC_REQUESTS"])
def parent(request: pytest.FixtureRequest, django_db_setup: None) -> Iterator[Servers]:
    with servers.running(servers.database_url(), atomic_requests=request.param) as parent:
        yield parent


@pytest.fixture
def site(parent: Servers) -> Iterator[Servers]:
    """No worker runs yet."""
    yield parent
    parent.kill_all()


# Where a test is long and the setting cannot make another difference.
once = pytest.mark.parametrize("parent", [False], indirect=True, ids=[""])


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def note(title: str, **fields: str) -> dict:
    names = {"title": title, "slug": title.replace(" ", "-"), **fields}
    return submission(id=str(uuid7()), form="note", fields=[[name, value] for name, value in names.items()])


def titles_of(batch: list[dict]) -> list[str]:
    return [item["fields"][0][1] for item in batch]


def held(batch: list[dict]) -> tuple[Counter, Counter]:
    """How often each id of the batch is in the ledger, and each of its notes in the table."""
    ids, titles = [item["id"] for item in batch], titles_of(batch)
    ledger = Submission.objects.filter(submission_id__in=ids).values_list("submission_id", flat=True)
    notes = Note.objects.filter(title__in=titles).values_list("title", flat=True)
    return Counter(map(str, ledger)), Counter(notes)


def assert_all_once(batch: list[dict]) -> None:
    ledger, notes = held(batch)
    assert ledger == Counter(item["id"] for item in batch)
    assert notes == Counter(titles_of(batch))


def post(site: Servers, batch: list[dict]) -> list[dict]:
    device = Device(site.port)
    try:
        return device.post(batch)
    finally:
        device.close()


def post_meanwhile(pool: ThreadPoolExecutor, site: Servers, batch: list[dict]) -> tuple[Future, threading.Event]:
    ended = threading.Event()
    future = pool.submit(post, site, batch)
    future.add_done_callback(lambda done: ended.set())
    return future, ended


def replace(site: Servers, pid: int) -> None:
    site.kill(pid)
    site.start()


def kinds(size: int, number: int) -> dict[str, list[dict]]:
    """Batches that go together, and that fall back to going one by one."""
    clean = [note(f"k{number} {place}") for place in range(size)]
    if size == 1:
        return {"clean": clean}
    return {"clean": clean, "falls back": [*clean[:1], note(f"k{number} bad", behaviour="save: fail"), *clean[1:]]}


@pytest.mark.parametrize(
    ("parent", "size", "kind"),
    [
        (False, 1, "clean"),
        (False, 3, "clean"),
        (False, 2, "falls back"),
        (True, 1, "clean"),
        (True, 3, "clean"),
    ],
    indirect=["parent"],
)
def test_c2_c4_killed_at_each_step_and_sent_again_is_once_and_the_same_receipt(
    site: Servers, pool: ThreadPoolExecutor, size: int, kind: str
) -> None:
    """SIGKILL before each statement, before and after each commit, and before the answer."""
    seen: list[tuple[str, int]] = []
    step = 0
    while True:
        batch = kinds(size, step)[kind]
        good = [item for item in batch if "bad" not in item["fields"][0][1]]
        site.start(stop_at=step)
        answer, ended = post_meanwhile(pool, site, batch)
        stop = site.stops_or(ended)
        ledger, notes = held(good)
        assert set(ledger.values()) | set(notes.values()) <= {1}
        assert len(ledger) == len(notes)
        if stop is None:
            break
        seen.append((stop["what"], len(ledger)))
        replace(site, stop["stopped"])
        with pytest.raises(ServerDied):
            answer.result(servers.ANSWER_SECONDS)
        # What the killed one had written without committing is gone.
        assert len(held(good)[0]) == len(ledger)
        first, second = post(site, batch), post(site, batch)
        statuses = ["deferred" if item not in good else "accepted" for item in batch]
        assert [receipt["status"] for receipt in first] == statuses
        for one, other in zip(first, second, strict=True):
            if one["status"] == "accepted":
                assert only_what_counts(one) == only_what_counts(other)
                assert one["replayed"] == (one["id"] in ledger)
        assert_all_once(good)
        site.kill_all()
        step += 1
    assert answer.result()
    whats = [what for what, _ in seen]
    assert whats[0] == "SELECT"
    assert whats[-1] == "answer"
    assert "INSERT" in whats
    commits = len(good) if kind == "falls back" else 1
    assert whats.count("after COMMIT") == commits
    # Nothing before the first commit, and something after each.
    assert [count for what, count in seen if what == "after COMMIT"] == (
        list(range(1, commits + 1)) if kind == "falls back" else [size]
    )
    assert seen[0][1] == 0


@once
@pytest.mark.parametrize("position", range(3))
def test_c2_a_handler_that_hangs_until_its_process_is_killed_takes_nothing_with_it(
    site: Servers, pool: ThreadPoolExecutor, position: int
) -> None:
    batch = [note(f"h {place}", behaviour="save: hang" if place == position else "") for place in range(3)]
    site.start(hangs=True)
    answer, _ = post_meanwhile(pool, site, batch)
    stop = site.stopped()
    assert stop["what"] == "handler"
    assert held(batch) == (Counter(), Counter())
    replace(site, stop["stopped"])
    with pytest.raises(ServerDied):
        answer.result(servers.ANSWER_SECONDS)
    receipts = post(site, batch)
    assert [(receipt["status"], receipt["replayed"]) for receipt in receipts] == [("accepted", False)] * 3
    assert_all_once(batch)


@once
def test_c2_another_process_goes_on_while_a_handler_hangs(site: Servers, pool: ThreadPoolExecutor) -> None:
    """The twin waits for the row that the hanging one holds, and brings it in when that one is killed."""
    batch = [note("w 0", behaviour="save: hang"), note("w 1")]
    site.start(hangs=True)
    hanging, _ = post_meanwhile(pool, site, batch)
    stop = site.stopped()
    site.start()
    # The socket is one for both, and who answers is chance: the hanging one must not.
    os.kill(stop["stopped"], signal.SIGSTOP)
    twin = pool.submit(settled, site, batch)
    site.kill(stop["stopped"])
    with pytest.raises(ServerDied):
        hanging.result(servers.ANSWER_SECONDS)
    assert {receipt["status"] for receipt in twin.result(servers.ANSWER_SECONDS)} == {"accepted"}
    assert_all_once(batch)


def settled(site: Servers, batch: list[dict]) -> list[dict]:
    """Receipts of a device that sends again what is deferred, and what has died."""
    while True:
        try:
            receipts = post(site, batch)
        except ServerDied:
            continue
        if all(receipt["status"] != "deferred" for receipt in receipts):
            return receipts


@once
@pytest.mark.parametrize("behaviour", ["validate: fail", "save: fail", "save: failing hook", "save: overflow"])
@pytest.mark.parametrize("position", range(3))
def test_c6_c7_c9_what_goes_wrong_at_each_position_is_its_own_fate(
    site: Servers, behaviour: str, position: int
) -> None:
    batch = [note(f"r {place}", behaviour="save: hook") for place in range(3)]
    batch[position] = note("r bad", behaviour=behaviour)
    site.start()
    expected: dict[str, Any] = {
        "validate: fail": ("deferred", "handler_error"),
        "save: fail": ("deferred", "handler_error"),
        "save: failing hook": ("accepted", None),
        "save: overflow": ("rejected", "invalid"),
    }
    for replayed in (False, True):
        receipts = post(site, batch)
        for place, receipt in enumerate(receipts):
            wanted = expected[behaviour] if place == position else ("accepted", None)
            assert (receipt["status"], receipt.get("code")) == wanted
            assert receipt.get("replayed") in ((replayed,) if receipt["status"] == "accepted" else (None,))
    stays = [item for place, item in enumerate(batch) if place != position or expected[behaviour][0] == "accepted"]
    assert_all_once(stays)
    assert Note.objects.count() == Submission.objects.count() == len(stays)
    if behaviour.endswith("hook"):
        assert "is saved, but an on_commit hook" in site.log.read_text()
