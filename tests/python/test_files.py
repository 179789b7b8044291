"""Files of a submission at the ingestion."""

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError

from .ingesting import outcomes, send, titles
from .sampleapp import offline
from .sampleapp.factories import again, file, note
from .sampleapp.models import Note

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("size", [1, 2])
def test_files_are_saved(size: int) -> None:
    send(*[note(files=[file(b"abc")]) for _ in range(size)])
    assert [item.attachment.read() for item in Note.objects.all()] == [b"abc"] * size


@pytest.mark.parametrize("part", [{"received": None}, {"size": 4}, {"size": 0}])
def test_a6_a_file_that_has_not_arrived_in_full_is_waited_for(part: dict) -> None:
    (receipt,) = send(note(files=[file(b"abc", **part)]))
    assert (receipt.status, receipt.code) == ("deferred", "incomplete_file")
    assert not offline.runs


def test_a6_a_replay_that_has_lost_a_file_is_not_taken_for_another_body() -> None:
    submission = note(files=[file(b"abc")])
    send(submission)
    lost = again(submission)
    lost.files = [file(b"abc", received=None)]
    assert outcomes(send(lost)) == ["incomplete_file"]
    assert outcomes(send(again(submission))) == ["accepted"]


def test_p3_another_submissions_failure_does_not_leave_a_file_twice() -> None:
    """No rollback takes back what ModelForm.save() has written to the storage."""
    before = default_storage.listdir("")[1]
    batch = [note("a", files=[file()]), note("b", files=[file()]), note("bad", behaviour="save: fail"), note("c")]
    assert outcomes(send(*batch)) == ["accepted", "accepted", "handler_error", "accepted"]
    assert len(default_storage.listdir("")[1]) == len(before) + 2
    assert titles() == ["a", "b", "c"]


def test_c2_a_second_run_gets_its_files_afresh(behaviours: dict) -> None:
    """The first run has read the file, and closed it."""
    failures = [IntegrityError("somebody was faster")]

    def fail_once() -> None:
        if failures:
            raise failures.pop()

    behaviours["fail once"] = fail_once
    assert outcomes(send(note("a", files=[file(b"abc")], behaviour="save: fail once"))) == ["accepted"]
    assert offline.runs.count("a") == 2
    assert Note.objects.get().attachment.read() == b"abc"
