"""Digests, forms' data and receipts."""

import gc
import tempfile
import uuid
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile

from offlinesync.submissions import IncomingSubmission, Receipt, SubmittedFile, owner_of

from .sampleapp.factories import again, file, note

ID = uuid.UUID("01970000-0000-7000-8000-000000000000")

# Frozen: rows of ledgers in the field carry these digests. They were made with sha256sum from the
# JSON that the protocol describes, not by the code under test.
DIGEST_VECTORS = [
    (
        {"form": "post"},
        "1:2097d7c553fdeebb4cf0b0e83376568f9cbb9ff547f2af5b512c710ef6d785ad",
    ),
    (
        {
            "form": "post",
            "fields": [("title", 'Über "Züge" 🚂\r\n'), ("tags", "a"), ("tags", "b")],
            "language": "de",
            "time_zone": "Europe/Berlin",
            "target": "/posts/new/",
            "base_version": "3",
        },
        "1:e3fabb4c7ccb1ea6277e7132273b113f9fae801222572cd5fd1b28e3fd0679b8",
    ),
    (
        {
            "form": "post",
            "data": {"b": [1, 2.5, None, True], "a": {"z": "", "y": "é"}},
            "files": [
                SubmittedFile("photo", "sitz.jpg", "image/jpeg", 3, SimpleUploadedFile("x", b"abc")),
                SubmittedFile("photo", "leer", "", 0, SimpleUploadedFile("x", b"")),
            ],
        },
        "1:89021a3931206c1d6084ebfb9cfdb5fdb3c8ffa018e48882e90cd7269023cede",
    ),
]


@pytest.mark.parametrize(("values", "digest"), DIGEST_VECTORS)
def test_c3_the_digest_is_frozen(values: dict, digest: str) -> None:
    assert IncomingSubmission(id=ID, **values).digest == digest


@pytest.mark.parametrize(
    "change",
    [
        {"form": "other"},
        {"language": "de"},
        {"time_zone": "UTC"},
        {"target": ""},
        {"base_version": ""},
        {"fields": [("tags", "b"), ("tags", "a")]},
        {"fields": [("tags", "a"), ("tags", "b"), ("tags", "b")]},
        {"fields": [("tags", "ab")]},
        {"data": {}},
        {"files": []},
        {"files": [file(b"abd")]},
        {"files": [file(b"abc", name="b.txt")]},
        {"files": [file(b"abc", type="image/png")]},
        {"files": [file(b"abc", field="photo")]},
        {"files": [file(b"abc"), file(b"abc")]},
    ],
)
def test_c3_whatever_else_was_written_gives_another_digest(change: dict) -> None:
    original = {"form": "post", "fields": [("tags", "a"), ("tags", "b")], "files": [file(b"abc")]}
    assert IncomingSubmission(id=ID, **{**original, **change}).digest != IncomingSubmission(id=ID, **original).digest


@pytest.mark.parametrize("change", [{"captured_at": None}, {"group": "g"}, {"user": User(pk=1)}])
def test_how_it_was_sent_is_not_in_the_digest(change: dict) -> None:
    assert IncomingSubmission(id=ID, form="post", **change).digest == IncomingSubmission(id=ID, form="post").digest


def test_a_checksum_made_while_reading_is_the_same(tmp_path: Path) -> None:
    made = file(b"abc")
    given = SubmittedFile(made.field, made.name, made.type, 3, None, sha256=made.checksum)
    assert note(files=[made]).digest == note(files=[given]).digest


@pytest.mark.parametrize(("user", "owner"), [(User(pk=42), "42"), (AnonymousUser(), "")])
def test_owner_of(user: User, owner: str) -> None:
    assert owner_of(user) == owner


def test_post_is_what_the_browser_would_have_posted() -> None:
    post = IncomingSubmission(id=ID, form="post", fields=[("a", "1"), ("b", "2"), ("a", "3")]).post
    assert post.getlist("a") == ["1", "3"]
    assert post["a"] == "3"
    with pytest.raises(AttributeError, match="immutable"):
        post["a"] = "4"


def test_files_are_handed_out_afresh_each_time() -> None:
    """Row C2: a handler may run twice, and leaves its files read and closed."""
    submission = note(files=[file(b"abc", name="a.txt"), file(b"def", name="b.txt")])
    for _ in range(2):
        files = submission.files_dict.getlist("attachment")
        assert [(item.name, item.content_type, item.size) for item in files] == [
            ("a.txt", "text/plain", 3),
            ("b.txt", "text/plain", 3),
        ]
        assert [item.read() for item in files] == [b"abc", b"def"]
        for item in files:
            item.close()


def test_a_file_on_disk_is_copied_by_storages_and_not_moved_away(tmp_path: Path) -> None:
    """Row C2: a second run needs it."""
    upload = TemporaryUploadedFile("x", "text/plain", 3, None)
    upload.write(b"abc")
    submission = note(files=[SubmittedFile("attachment", "a.txt", "text/plain", 3, upload)])
    for number in range(2):
        handed_out = submission.files_dict["attachment"]
        assert FileSystemStorage(tmp_path).save(f"{number}.txt", handed_out) == f"{number}.txt"
        assert (tmp_path / f"{number}.txt").read_bytes() == b"abc"
    assert Path(upload.temporary_file_path()).parent == Path(tempfile.gettempdir())
    upload.close()


def test_a_copy_that_nobody_has_taken_goes_with_the_upload() -> None:
    upload = TemporaryUploadedFile("x", "text/plain", 3, None)
    upload.write(b"abc")
    upload.seek(0)
    handed_out = note(files=[SubmittedFile("attachment", "a.txt", "text/plain", 3, upload)]).files_dict["attachment"]
    path = Path(handed_out.temporary_file_path())
    assert path.read_bytes() == b"abc"
    assert path == Path(handed_out.temporary_file_path())
    del handed_out
    gc.collect()
    assert not path.exists()
    upload.close()


@pytest.mark.parametrize(
    ("submitted", "complete"),
    [
        (file(b"abc"), True),
        (file(b""), True),
        (file(b"abc", received=b""), False),
        (file(b"abc", received=b"abcd"), False),
        (file(b"abc", received=None), False),
    ],
)
def test_a6_a_file_is_complete_when_all_its_bytes_have_arrived(submitted: SubmittedFile, complete: bool) -> None:
    assert submitted.is_complete is complete


def test_a_receipt_carries_what_is_known() -> None:
    assert Receipt(ID, "accepted", result={"url": "/"}, replayed=False).as_json() == {
        "id": "01970000-0000-7000-8000-000000000000",
        "status": "accepted",
        "result": {"url": "/"},
        "replayed": False,
    }
    assert Receipt(ID, "deferred", code="busy", retry_after=0).as_json() == {
        "id": str(ID),
        "status": "deferred",
        "code": "busy",
        "retry_after": 0,
    }


def test_sending_again_is_equal_in_all_that_counts() -> None:
    submission = note(files=[file()], data={"a": 1}, language="de", group="g")
    assert again(submission) == submission
    assert again(submission) is not submission
