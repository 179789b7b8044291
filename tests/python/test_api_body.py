import json
import tracemalloc
from io import BytesIO

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from offlinesync.api.body import MAX_CONTAINERS, MAX_DEPTH, Body, load_json
from offlinesync.api.exceptions import Interrupted, Malformed, TooLarge
from tests.python.wire import Device, Recorder, batch, refusal, send_chunked, submission

# No database: every limit is checked before any query (row C8).


@pytest.fixture(autouse=True)
def recorder(monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr("offlinesync.api.viewset.ingest", recorder)
    return recorder


def request_of(data, length=None):
    environ = {"wsgi.input": BytesIO(data), "CONTENT_LENGTH": str(len(data) if length is None else length)}
    return RequestFactory().generic("POST", "/", b"", "application/json", **environ)


class Flood:
    """A body that never ends, and counts what was taken of it."""

    taken = 0

    def read(self, size=-1):
        assert size >= 0, "The whole body was asked for."
        self.taken += size
        return b" " * size


def test_the_whole_body_up_to_the_limit_is_read():
    assert Body(request_of(b"x" * 100_000), 100_000).read_all() == b"x" * 100_000


def test_c8_a_length_beyond_the_limit_is_refused_before_reading():
    flood = Flood()
    request = request_of(b"", length=11)
    request._stream = flood
    with pytest.raises(TooLarge):
        Body(request, 10)
    assert flood.taken == 0


@pytest.mark.parametrize("length", ["", "x", "-1", "1.5", "\N{SUPERSCRIPT TWO}", "9" * 30])
def test_c8_reading_is_bounded_without_a_length(length):
    flood = Flood()
    request = request_of(b"")
    request.META["CONTENT_LENGTH"] = length
    request._stream = flood
    with pytest.raises(TooLarge):
        Body(request, 100_000).read_all()
    assert flood.taken <= 100_001


def test_a_body_that_breaks_off_is_the_connection_s_fault():
    with pytest.raises(Interrupted):
        Body(request_of(b"{}", length=3), 100).read_all()


def test_a_connection_that_breaks_while_reading_is_no_crash():
    class Broken:
        def read(self, size):
            raise OSError("Connection reset by peer")

    request = request_of(b"", length=3)
    request._stream = Broken()
    with pytest.raises(Interrupted):
        Body(request, 100).read_all()


def test_a_body_that_a_middleware_has_read_is_read_again():
    request = request_of(b"[1]")
    assert request.body == b"[1]"
    request.read()
    assert Body(request, 100).read_all() == b"[1]"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b"}",
        b"][",
        b"[}",
        b'{"a": }',
        b"'a'",
        b"{a: 1}",
        b"[1,]",
        b'"\\x"',
        b'"',
        b"\xef\xbb\xbf{}",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        '"ä"'.encode("latin-1"),
        "{}".encode("utf-16"),
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e999]",
        b"[-1e999]",
        b"[" + b"9" * 5000 + b"]",
        b'"a\nb"',
        b"\x00",
        b"{} {}",
    ],
)
def test_what_is_not_json_is_malformed(raw):
    with pytest.raises(Malformed):
        load_json(raw)


def test_a_large_number_within_bounds_is_taken():
    assert load_json(b"[1e308, 123456789012345678901234567890]") == [1e308, 123456789012345678901234567890]


def nested(depth, opening="[", closing="]"):
    return (opening * depth + closing * depth).encode()


def test_c8_depth_is_bounded():
    assert load_json(nested(MAX_DEPTH))
    for raw in (nested(MAX_DEPTH + 1), nested(1_000_000), b"[" * 1_000_000, b'{"a":' * (MAX_DEPTH + 1)):
        with pytest.raises(Malformed, match="deep"):
            load_json(raw)


@pytest.mark.parametrize("item", [b"[],", b"{},", b'{"a":[]},', b'["",""],', b'["["],'])
def test_c8_count_is_bounded_and_nothing_is_built_from_more(item):
    raw = b"[" + item * (MAX_CONTAINERS + 1) + b"1]"
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            load_json(raw)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(raw)
    finally:
        tracemalloc.stop()


def test_c8_as_many_fields_as_django_lets_into_forms_fit():
    full = [submission(number, fields=[["", ""]] * 1000) for number in range(100)]
    assert load_json(json.dumps(batch(*full)).encode())


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100,
        "{" * 100,
        '"' + "[" * 100,
        "\\" * 7 + '"' + "[" * 100,
        '\\"' * 50 + "]" * 100,
        "\\" * 100 + "[",
        "[" * 100 + "\\",
    ],
)
def test_c8_brackets_within_strings_are_text(text):
    value = {text: [text, {"a": text}]}
    assert load_json(json.dumps(value).encode()) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


@given(JSON)
def test_c8_whatever_json_says_is_read_as_json_reads_it(value):
    assert load_json(json.dumps(value).encode()) == value
    assert load_json(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary() | st.text(alphabet='[]{}",:\\ \n0a').map(str.encode))
def test_c8_bytes_are_json_or_refused(raw):
    try:
        load_json(raw)
    except (Malformed, TooLarge):
        return
    json.loads(raw)


@pytest.mark.parametrize("body", [b" ", b"x", b"[]", b"null", b"\xff", b'{"protocol": 1', nested(5000)])
def test_c8_a_hostile_body_is_answered_in_json(recorder, body):
    assert refusal(Device().send(body)) == (400, "malformed")
    assert recorder.submissions == []


def test_c8_json_beyond_max_bytes_is_too_large(settings, recorder):
    body = json.dumps(batch()).encode()
    settings.OFFLINESYNC = {"MAX_BYTES": len(body)}
    assert Device().send(body).status_code == 200
    recorder.submissions = []
    assert refusal(Device().send(body + b" ")) == (413, "too_large")
    assert recorder.submissions == []


def test_max_bytes_may_be_larger_than_djangos_own_limit(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    settings.OFFLINESYNC = {"MAX_BYTES": 10_000}
    assert Device().send(batch(submission(fields=[["body", "x" * 5000]]))).status_code == 200


def test_one_submission_may_be_bounded_below_max_bytes(settings):
    settings.OFFLINESYNC = {"MAX_BYTES": 10_000, "MAX_SUBMISSION_BYTES": 1000}
    large = [["body", "x" * 900]]
    assert refusal(Device().send(batch(submission(fields=large)))) == (413, "too_large")
    assert Device().send(batch(submission(1, fields=large), submission(2, fields=large))).status_code == 200


def test_a_request_that_breaks_off_is_tried_again_soon():
    device = Device()
    device.open_session()
    body = json.dumps(batch()).encode()
    response = device.send(body, **{"wsgi.input": BytesIO(body[:-3])})
    assert refusal(response) == (503, "unavailable")
    assert response["Retry-After"] == "1"


def test_a_middleware_that_reads_the_body_does_no_harm(settings, recorder):
    settings.MIDDLEWARE = ["tests.python.test_api_body.reading_middleware", *settings.MIDDLEWARE]
    assert Device().send(batch()).status_code == 200
    assert len(recorder.submissions) == 1


def reading_middleware(get_response):
    def middleware(request):
        assert request.body is not None
        return get_response(request)

    return middleware


def test_c8_a_request_without_a_length_is_read_within_the_limit(settings, recorder):
    settings.OFFLINESYNC = {"MAX_BYTES": 1000}
    status, answer = send_chunked([json.dumps(batch()).encode()], "application/json")
    assert (status, answer["receipts"][0]["status"]) == (200, "accepted")
    recorder.submissions = []
    status, answer = send_chunked([b" " * 600, b" " * 600], "application/json")
    assert (status, answer["code"]) == (413, "too_large")
    assert recorder.submissions == []


@pytest.mark.parametrize("raw", ["\\ud800", "\\udfff", "\\u0000"])
def test_c6_half_a_surrogate_pair_reaches_the_ingestion_and_comes_back_in_receipts(recorder, monkeypatch, raw):
    body = json.dumps(batch(submission(fields=[["title", "TEXT"]]))).replace("TEXT", raw).encode()
    assert Device().send(body).status_code == 200
    assert recorder.submissions[0].fields == [("title", json.loads(f'"{raw}"'))]
