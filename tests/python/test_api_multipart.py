"""Batches with files, as multipart requests."""

import hashlib
import json
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from offlinesync.api.multipart import MAX_PARTS, max_parts
from offlinesync.api.parsers import MULTIPART_FRAMING
from tests.python.upload_handlers import TO_DISK, TO_MEMORY
from tests.python.wire import (
    PHOTO,
    Device,
    batch,
    blob,
    file,
    multipart,
    numbered,
    refusal,
    submission,
    with_photo,
)

# No database: every limit is checked before any query (row C8).
pytestmark = pytest.mark.usefixtures("recorder")


@pytest.fixture(params=[(TO_MEMORY, TO_DISK), (TO_DISK,)], ids=["memory", "disk"])
def _handlers(request, settings):
    settings.FILE_UPLOAD_HANDLERS = list(request.param)


@pytest.mark.usefixtures("_handlers")
@pytest.mark.parametrize("content", [b"", b"abc", b"\r\n--limi\r\n\x00\xff", b"x" * 300_000])
@pytest.mark.parametrize("as_blob", [True, False])
def test_a6_a_file_arrives_as_it_was_sent(recorder, content, as_blob):
    described = with_photo(size=len(content))
    response = Device().send_parts(
        blob(described) if as_blob else ("batch", described), ("f1", content, "seat.jpg", "image/jpeg")
    )
    assert response.status_code == 200
    [sent] = recorder.submissions[0].files
    assert (sent.field, sent.name, sent.type, sent.size) == ("photo", "seat.jpg", "image/jpeg", len(content))
    assert sent.is_complete
    assert sent.sha256 == hashlib.sha256(content).hexdigest()
    assert recorder.contents == [[content]]


def test_the_batch_may_stand_anywhere(recorder):
    Device().send_parts(PHOTO, blob(with_photo()))
    assert recorder.contents == [[b"abc"]]


def test_a_file_without_a_name_is_still_a_file(recorder):
    """Django takes a part with an empty file name for a form field."""
    Device().send_parts(blob(with_photo(name="")), ("f1", b"abc", "", "image/jpeg"))
    assert recorder.contents == [[b"abc"]]


def test_c8_a_part_with_an_odd_name_and_no_other_is_a_file(recorder, uploads):
    body = multipart(blob(with_photo(part="f\x00.a\x00")), ("f\x00.a\x00", b"abc", "", "image/jpeg"))
    assert Device().send(body, "multipart/form-data; boundary=limit").status_code == 200
    assert recorder.contents == [[b"abc"]]


def test_each_submission_gets_its_own_files(recorder):
    first = submission(1, files=[file("f1"), file("f2", field="other", size=5)])
    second = submission(2, files=[file("f3", size=1)])
    Device().send_parts(
        blob(batch(first, second)), ("f3", b"3"), PHOTO, ("f2", b"other", "b.bin", "application/octet-stream")
    )
    assert recorder.contents == [[b"abc", b"other"], [b"3"]]


def test_a_part_that_did_not_arrive_is_left_to_the_ingestion(recorder):
    response = Device().send_parts(blob(batch(submission(1, files=[file("f1"), file("f2")]), submission(2))), PHOTO)
    assert response.status_code == 200
    arrived, missing = recorder.submissions[0].files
    assert arrived.content is not None
    assert (missing.content, missing.sha256) == (None, None)


def test_files_named_in_plain_json_have_not_arrived(recorder):
    assert Device().send(with_photo()).status_code == 200
    assert recorder.submissions[0].files[0].content is None


def test_a6_a_size_that_differs_is_left_to_the_ingestion(recorder):
    assert Device().send_parts(blob(with_photo(size=4)), PHOTO).status_code == 200
    assert not recorder.submissions[0].files[0].is_complete


def test_parts_nobody_names_are_ignored(recorder):
    response = Device().send_parts(("extra", b"x"), blob(with_photo()), PHOTO, ("f9", b"x" * 9, "a", "b/c"))
    assert response.status_code == 200
    assert recorder.contents == [[b"abc"]]


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [PHOTO],
        [blob(batch()), blob(batch())],
        [("batch", b"")],
        [("batch", b"{")],
        [("batch", b"\xff")],
        [("batch", b"[]")],
        [("", batch())],
    ],
)
def test_a_batch_that_cannot_be_read_is_malformed(recorder, parts):
    assert refusal(Device().send_parts(*parts)) == (400, "malformed")
    assert recorder.submissions == []


def test_two_parts_of_one_name_are_malformed(recorder, uploads):
    assert refusal(Device().send_parts(blob(with_photo()), PHOTO, PHOTO)) == (400, "malformed")


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=other",
        "multipart/form-data; boundary=" + "x" * 300,
        'multipart/form-data; boundary="li\xe4mit"',
        "multipart/form-data; charset=utf-16; boundary=limit ",
    ],
)
def test_a_header_without_a_usable_boundary_is_malformed(content_type):
    body = multipart(blob(batch()))
    response = Device().send(body, content_type)
    if response.status_code != 200:
        assert refusal(response) == (400, "malformed")
    assert response.status_code == (200 if content_type.endswith("limit ") else 400)


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Disposition: form-data; name*=nope''%41; filename=x",
        b"Content-Disposition: form-data; name*=utf-8''%ff; filename=x",
        b"Content-Disposition: form-data; name=f1; filename*=nope''%41",
        b"Content-Disposition: form-data; name=\xff\xfe; filename=\xff",
        b"Content-Disposition: form-data; name=f1; filename=" + b"a" * 5000,
        b"Content-Disposition: form-data; name=f1; filename=a." + b"b" * 800,
        b"Content-Disposition: form-data; name=f1; filename=../../\x00/etc/passwd",
        b"Content-Disposition: form-data; name=" + b"n" * 70000,
        b"Content-Disposition: form-data",
        b"Content-Disposition",
        b"Content-Type: text/plain; charset=nope",
        b": \x00",
        b"",
    ],
)
def test_c8_a_hostile_part_is_refused_or_ignored(uploads, header):
    body = b"--limit\r\n" + header + b"\r\n\r\nabc\r\n" + multipart(blob(batch()))
    response = Device().send(body, "multipart/form-data; boundary=limit")
    if response.status_code != 200:
        assert refusal(response) == (400, "malformed")


def test_the_content_of_a_part_is_never_read_as_parts(recorder):
    # So often that a reader who stops anywhere within finds whole headers next.
    header = b'Content-Disposition: form-data; name="f1"; filename="a"\r\n'
    smuggled = (header * 8 + b"\r\nsmuggled") * 500
    for name in ("", "other"):
        assert Device().send_parts((name, smuggled), blob(with_photo())).status_code == 200
        assert recorder.contents == [[None]]


def test_c8_a_body_cut_at_any_byte_is_answered_in_json(uploads, recorder):
    body = multipart(blob(with_photo()), PHOTO)
    device = Device()
    for length in range(len(body)):
        recorder.submissions = []
        response = device.send(body[:length] or b" ", "multipart/form-data; boundary=limit")
        if response.status_code == 200:
            # The batch was whole; the file counts only if its own end has come.
            [sent] = recorder.submissions[0].files
            assert sent.content is None or recorder.contents == [[b"abc"]]
        else:
            assert refusal(response) == (400, "malformed")
            assert recorder.submissions == []


def test_a_file_that_is_cut_off_has_not_arrived(uploads, recorder):
    body = multipart(blob(with_photo()), PHOTO, end=False)
    assert Device().send(body, "multipart/form-data; boundary=limit").status_code == 200
    assert recorder.submissions[0].files[0].content is None


def test_a_request_that_breaks_off_within_a_file_is_tried_again_soon(uploads, recorder):
    body = multipart(blob(with_photo()), PHOTO)
    response = Device().send(body, "multipart/form-data; boundary=limit", **{"wsgi.input": BytesIO(body[:-20])})
    assert refusal(response) == (503, "unavailable")
    assert recorder.submissions == []


@given(st.data())
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
def test_c8_a_damaged_body_is_answered_in_json(uploads, data):
    body = bytearray(multipart(blob(with_photo()), PHOTO))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        end = data.draw(st.integers(start, min(len(body), start + 20)))
        body[start:end] = data.draw(st.sampled_from([b"", b"\r\n", b"--limit", b"\x00", b'"', b"\xff", b"--", b"["]))
    response = Device().send(bytes(body) or b" ", "multipart/form-data; boundary=limit")
    if response.status_code != 200:
        assert refusal(response)[0] in (400, 413)


def test_c8_the_whole_request_is_bounded_before_it_is_read(settings, recorder):
    settings.OFFLINESYNC = {"MAX_BYTES": 1000, "MAX_SUBMISSION_BYTES": 2000}
    length = str(2000 + MULTIPART_FRAMING + 1)
    response = Device().send(b" ", "multipart/form-data; boundary=limit", CONTENT_LENGTH=length)
    assert refusal(response) == (413, "too_large")


def test_c8_one_submission_is_bounded_with_its_files(settings, recorder):
    content = b"x" * 5000
    described = with_photo(size=len(content))
    total = len(json.dumps(described)) + len(content)
    parts = [blob(described), ("f1", content, "a", "b/c")]
    settings.OFFLINESYNC = {"MAX_BYTES": 1000, "MAX_SUBMISSION_BYTES": total}
    assert Device().send_parts(*parts).status_code == 200
    settings.OFFLINESYNC = {"MAX_BYTES": 1000, "MAX_SUBMISSION_BYTES": total - 1}
    assert refusal(Device().send_parts(*parts)) == (413, "too_large")


def test_c8_several_submissions_are_bounded_like_json(settings, recorder):
    content = b"x" * 5000
    described = batch(submission(1, files=[file("f1", size=5000)]), submission(2))
    total = len(json.dumps(described)) + len(content)
    parts = [blob(described), ("f1", content, "a", "b/c"), ("unnamed", b"y" * 3000)]
    settings.OFFLINESYNC = {"MAX_BYTES": total, "MAX_SUBMISSION_BYTES": 50_000}
    assert Device().send_parts(*parts).status_code == 200
    settings.OFFLINESYNC = {"MAX_BYTES": total - 1, "MAX_SUBMISSION_BYTES": 50_000}
    assert refusal(Device().send_parts(*parts)) == (413, "too_large")


@pytest.mark.parametrize("as_blob", [True, False])
def test_c8_the_json_is_bounded_in_a_part_too(settings, as_blob):
    described = batch()
    length = len(json.dumps(described))
    part = blob(described) if as_blob else ("batch", described)
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    settings.OFFLINESYNC = {"MAX_BYTES": length}
    assert Device().send_parts(part).status_code == 200
    for limit in (length - 1, length - 2, 1):
        settings.OFFLINESYNC = {"MAX_BYTES": limit}
        assert refusal(Device().send_parts(part)) == (413, "too_large")


def test_c8_djangos_file_limit_holds_for_each_submission(settings, recorder):
    """The batch is a part with a file name as well, and two submissions have as many files each."""
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    first, first_parts = numbered(2)
    second, second_parts = numbered(2, first=2)
    described = batch(submission(1, files=first), submission(2, files=second))
    assert Device().send_parts(blob(described), *first_parts, *second_parts).status_code == 200
    assert recorder.contents == [[b"x", b"x"], [b"x", b"x"]]


def test_c8_djangos_field_limit_does_not_count_parts(settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 1
    fields = [(f"extra{number}", b"x") for number in range(20)]
    assert Device().send_parts(("batch", batch()), *fields).status_code == 200


def test_c8_the_files_of_a_request_are_bounded(uploads, recorder):
    _, parts = numbered(MAX_PARTS + 1)
    assert Device().send_parts(blob(batch()), *parts[:-1]).status_code == 200
    assert refusal(Device().send_parts(blob(batch()), *parts)) == (413, "too_large")


@pytest.mark.parametrize(
    "part", [b"--limit\r\n\r\nx\r\n", b"--limit\r\nContent-Disposition: form-data\r\n\r\n\r\n", b"--limit"]
)
@pytest.mark.parametrize("bound", [100, None])
def test_c8_parts_without_a_name_are_bounded_too(settings, part, bound):
    """Each costs as much as one with a name: 5 MB of them kept a process busy for 16 seconds."""
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = bound
    head, content_type = multipart(blob(batch()), end=False), "multipart/form-data; boundary=limit"
    assert Device().send(head + part * 50 + b"--limit--\r\n", content_type).status_code == 200
    body = head + part * (max_parts() + 1) + b"--limit--\r\n"
    assert refusal(Device().send(body, content_type)) == (413, "too_large")


def test_a_site_that_lets_one_form_have_more_files_can_send_them(settings, recorder):
    for limit in (MAX_PARTS + 2, None):
        settings.DATA_UPLOAD_MAX_NUMBER_FILES = limit
        described, parts = numbered(MAX_PARTS + 2)
        assert Device().send_parts(blob(batch(submission(files=described))), *parts).status_code == 200
        assert len(recorder.contents[0]) == MAX_PARTS + 2


@pytest.mark.parametrize("as_blob", [True, False])
def test_p9_a_middleware_that_looks_at_post_does_no_harm(settings, recorder, as_blob):
    settings.MIDDLEWARE = ["tests.python.test_api_multipart.curious_middleware", *settings.MIDDLEWARE]
    described = batch(submission(fields=[["title", "Zürich"]], files=[file()]))
    described = json.dumps(described, ensure_ascii=False).encode()
    response = Device().send_parts(blob(described) if as_blob else ("batch", described), PHOTO)
    assert response.status_code == 200
    assert recorder.submissions[0].fields == [("title", "Zürich")]
    assert recorder.contents == [[b"abc"]]


@pytest.mark.parametrize("as_blob", [True, False])
def test_c8_the_json_is_bounded_when_a_middleware_has_read_it(settings, recorder, as_blob):
    settings.MIDDLEWARE = ["tests.python.test_api_multipart.curious_middleware", *settings.MIDDLEWARE]
    settings.OFFLINESYNC = {"MAX_BYTES": 50}
    assert refusal(Device().send_parts(blob(batch()) if as_blob else ("batch", batch()))) == (413, "too_large")
    assert recorder.submissions == []


def curious_middleware(get_response):
    def middleware(request):
        assert request.POST is not None
        return get_response(request)

    return middleware
