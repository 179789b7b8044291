"""Files that arrive in parts: what is kept of them, and for how long (row E4)."""

import hashlib
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.models.signals import post_delete
from django.utils import timezone

from offlinesync.models import FilePart
from offlinesync.parts import Full, PartialFile, discard, remove_expired, waiting_bytes

from .sampleapp.factories import uuid7

pytestmark = pytest.mark.django_db

CONTENT = random.Random(4).randbytes(2500)


def partial_file(owner: str = "7", content: bytes = CONTENT) -> PartialFile:
    return PartialFile(owner, uuid7(), hashlib.sha256(content).hexdigest())


def deliver(file: PartialFile, content: bytes = CONTENT, size: int = 1000) -> None:
    for offset in range(0, len(content), size):
        assert file.add(offset, content[offset : offset + size]) == min(offset + size, len(content))


def age(file: PartialFile, **age: int) -> None:
    FilePart.objects.filter(submission_id=file.submission_id).update(received_at=timezone.now() - timedelta(**age))


def test_e4_parts_make_the_file() -> None:
    file = partial_file()
    assert file.arrived() == 0
    deliver(file)
    assert file.arrived() == len(CONTENT)
    assert b"".join(file.chunks()) == CONTENT
    assert max(map(len, file.chunks())) == 1000


def test_e4_only_what_comes_next_is_kept() -> None:
    file = partial_file()
    file.add(0, CONTENT[:1000])
    assert file.add(0, b"something else") == 1000
    assert file.add(500, CONTENT[500:1500]) == 1000
    assert file.add(2000, CONTENT[2000:]) == 1000
    assert file.add(1000, b"") == 1000
    assert b"".join(file.chunks()) == CONTENT[:1000]


def test_e4_parts_are_tied_to_their_owner_their_entry_and_their_file() -> None:
    file = partial_file()
    deliver(file)
    for other in (
        PartialFile("8", file.submission_id, file.sha256),
        PartialFile("", file.submission_id, file.sha256),
        PartialFile("7", uuid7(), file.sha256),
        PartialFile("7", file.submission_id, "0" * 64),
    ):
        assert other.arrived() == 0
        assert list(other.chunks()) == []
    discard("8", [file.submission_id])
    assert file.arrived() == len(CONTENT)
    discard("7", [file.submission_id])
    assert file.arrived() == 0


def test_an_owner_has_so_much_waiting_and_no_more(settings) -> None:
    settings.OFFLINESYNC = {"UPLOADS": {"MAX_BYTES": 1500}}
    deliver(partial_file(), CONTENT[:1500])
    with pytest.raises(Full):
        partial_file().make_room(1)
    assert waiting_bytes("7") == 1500
    partial_file(owner="8").make_room(1500)


def test_what_has_come_of_a_file_already_needs_no_room_again(settings) -> None:
    settings.OFFLINESYNC = {"UPLOADS": {"MAX_BYTES": 2500}}
    file = partial_file()
    deliver(file, CONTENT[:1500])
    file.make_room(2500 - file.arrived())
    with pytest.raises(Full):
        file.make_room(2501 - file.arrived())


def test_what_never_came_to_its_end_goes_by_itself(settings) -> None:
    settings.OFFLINESYNC = {"UPLOADS": {"MAX_AGE": 86400}}
    old, young = partial_file(), partial_file()
    deliver(old)
    age(old, hours=25)
    deliver(young)
    assert old.arrived() == 0
    assert young.arrived() == len(CONTENT)


def test_a_file_that_still_comes_stays_whole(settings) -> None:
    settings.OFFLINESYNC = {"UPLOADS": {"MAX_AGE": 86400}}
    file = partial_file()
    file.add(0, CONTENT[:1000])
    age(file, hours=25)
    file.add(1000, CONTENT[1000:2000])
    assert remove_expired() == 0
    assert file.arrived() == 2000


def test_a_gap_is_where_it_goes_on() -> None:
    """As when somebody has cleaned up by hand."""
    file = partial_file()
    deliver(file)
    FilePart.objects.filter(offset=1000).delete()
    assert file.arrived() == 1000
    assert file.add(1000, CONTENT[1000:2000]) == 2000
    # What had come before the gap was filled is taken for what it is.
    assert file.add(2000, CONTENT[2000:]) == len(CONTENT)
    assert b"".join(file.chunks()) == CONTENT


def test_e4_what_an_earlier_upload_has_left_is_no_obstacle() -> None:
    """With parts of another size, and nothing before it any more."""
    file = partial_file()
    deliver(file, size=1000)
    FilePart.objects.exclude(offset=1000).delete()
    assert file.arrived() == 0
    deliver(file, size=700)
    assert b"".join(file.chunks()) == CONTENT


def test_e4_who_listens_to_every_deletion_does_not_make_the_server_read_them() -> None:
    file = partial_file()
    deliver(file)
    loaded = []
    post_delete.connect(receiver := lambda instance, **_: loaded.append("content" in instance.__dict__))
    try:
        file.discard()
    finally:
        post_delete.disconnect(receiver)
    assert loaded == [False] * 3


def test_the_prune_command_takes_all_that_are_too_old() -> None:
    files = [partial_file(content=bytes([number])) for number in range(30)]
    for number, file in enumerate(files):
        file.add(0, bytes([number]))
    for file in files:
        age(file, days=8)
    call_command("offlinesync_prune", "--older-than", "30", "--dry-run", verbosity=0)
    assert FilePart.objects.count() == 30
    call_command("offlinesync_prune", "--older-than", "30", verbosity=0)
    assert FilePart.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_e4_two_tabs_that_send_the_same_file_at_once_make_one() -> None:
    file = partial_file()
    together = threading.Barrier(4)

    def send() -> None:
        try:
            for offset in range(0, len(CONTENT), 100):
                together.wait(60)
                assert file.add(offset, CONTENT[offset : offset + 100]) >= offset + 100
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(send) for _ in range(4)]:
            done.result()
    assert b"".join(file.chunks()) == CONTENT
    assert FilePart.objects.count() == 25
