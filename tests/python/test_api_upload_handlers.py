"""Files of a request pass through the site's upload handlers, to memory or to the disk."""

import os
import tempfile
from io import BytesIO
from pathlib import Path

import pytest
from django.http.multipartparser import MultiPartParser
from django.test import RequestFactory
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from offlinesync.api.parsers import MULTIPART_FRAMING, MultiPartBatchParser
from tests.python.upload_handlers import TO_DISK, TO_MEMORY, Skipping, Stopping, handler_path
from tests.python.wire import (
    PHOTO,
    Device,
    batch,
    blob,
    multipart,
    numbered,
    refusal,
    send_chunked,
    submission,
    with_photo,
)


def test_large_files_stream_to_the_disk(settings, recorder, uploads, monkeypatch):
    settings.FILE_UPLOAD_HANDLERS = [TO_MEMORY, TO_DISK]
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 1000
    on_disk = []
    monkeypatch.setattr(
        "offlinesync.api.viewset.ingest",
        lambda submissions, user: (
            on_disk.append(os.path.exists(submissions[0].files[0].content.temporary_file_path()))
            or recorder(submissions, user=user)
        ),
    )
    content = b"x" * 200_000
    assert Device().send_parts(blob(with_photo(size=len(content))), ("f1", content, "a.jpg", "b/c")).status_code == 200
    assert on_disk == [True]
    assert recorder.contents == [[content]]


def test_c8_a_multipart_request_without_a_length_is_read_within_the_limit(settings, recorder, uploads):
    settings.FILE_UPLOAD_HANDLERS = [TO_MEMORY, TO_DISK]
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 1000
    settings.OFFLINESYNC = {"MAX_BYTES": 1000, "MAX_SUBMISSION_BYTES": 2000}
    body = multipart(blob(with_photo()), PHOTO)
    status, _ = send_chunked([body[:100], body[100:]], "multipart/form-data; boundary=limit")
    assert status == 200
    assert recorder.contents == [[b"abc"]]
    # Of unknown length, so it went to the disk.
    assert hasattr(recorder.submissions[0].files[0].content, "temporary_file_path")
    large = multipart(blob(batch()), ("f1", b"x" * (MULTIPART_FRAMING + 2000), "a", "b/c"))
    status, answer = send_chunked([large], "multipart/form-data; boundary=limit")
    assert (status, answer["code"]) == (413, "too_large")


@pytest.mark.parametrize("first", [True, False])
def test_a_site_s_upload_handler_may_skip_a_file(settings, uploads, recorder, first):
    settings.FILE_UPLOAD_HANDLERS = [handler_path(Skipping), TO_DISK] if first else [TO_DISK, handler_path(Skipping)]
    described, parts = numbered(4, first=1)
    assert Device().send_parts(blob(batch(submission(files=described))), *parts).status_code == 200
    # After the disk's own handler no chunk reaches the one that skips f3.
    assert recorder.contents == [[b"x", None, None if first else b"x", b"x"]]


def test_a_site_s_upload_handler_may_stop_the_upload(settings, uploads, recorder):
    settings.FILE_UPLOAD_HANDLERS = [handler_path(Stopping), TO_DISK]
    assert refusal(Device().send_parts(blob(with_photo()), PHOTO)) == (413, "too_large")
    assert recorder.submissions == []


def test_a_full_disk_is_no_crash(settings, caplog, recorder):
    settings.FILE_UPLOAD_HANDLERS = [TO_DISK]
    settings.FILE_UPLOAD_TEMP_DIR = str(Path(tempfile.gettempdir()) / "no" / "such" / "folder")
    response = Device().send_parts(blob(with_photo()), PHOTO)
    assert refusal(response) == (503, "unavailable")
    assert int(response["Retry-After"]) >= 1
    assert "Could not answer POST" in caplog.text


def test_uploads_are_closed_when_the_request_has_ended(uploads, recorder):
    request = RequestFactory().generic(
        "POST", "/", multipart(blob(with_photo()), PHOTO), "multipart/form-data; boundary=limit"
    )
    payload = MultiPartBatchParser().parse(request)
    assert len(list(uploads.iterdir())) == 1
    assert not payload.files["f1"].closed
    request.close()
    assert payload.files["f1"].closed


PARTS = st.lists(
    st.tuples(st.sampled_from(["f1", "f2", "f3", "f4"]), st.binary(max_size=300)), unique_by=lambda part: part[0]
)


@given(PARTS, st.integers(1, 64))
@hypothesis_settings(deadline=None, max_examples=150)
def test_files_are_read_as_django_reads_them(parts, chunk_size):
    """Our own loop over Django's pieces agrees with Django's."""
    body = multipart(blob(batch()), *((name, content, "a.jpg", "b/c") for name, content in parts))
    request = RequestFactory().generic("POST", "/", body, "multipart/form-data; boundary=limit")
    payload = MultiPartBatchParser().parse(request)
    again = RequestFactory().generic("POST", "/", body, "multipart/form-data; boundary=limit")
    for handler in again.upload_handlers:
        handler.chunk_size = chunk_size
    _, expected = MultiPartParser(again.META, BytesIO(body), again.upload_handlers).parse()
    assert {name: item.read() for name, item in payload.files.items()} == {
        name: item.read() for name, item in expected.items() if name != "batch"
    }
