import json
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from offlinesync.api import serializers
from offlinesync.api.exceptions import Malformed, TooLarge, UnsupportedProtocol
from offlinesync.api.multipart import max_parts
from offlinesync.api.serializers import validate_batch
from tests.python.wire import batch, file, submission, uuid7


def validated(**values):
    return validate_batch(batch(submission(**values)))["submissions"][0]


def test_a_full_submission_is_taken_as_it_is():
    values = {
        "id": uuid7(),
        "form": "post",
        "captured_at": "2026-11-23T07:59:58.120Z",
        "fields": [["title", " From the train\r\n"], ["tags", "a"], ["tags", "b"], ["", ""]],
        "files": [file(sha256="0" * 63 + "f")],
        "data": {"a": [1, {"b": None}]},
        "language": "de",
        "time_zone": "Europe/Berlin",
        "target": "/posts/new/",
        "group": "g",
        "base_version": "3",
        "refs": ["parent"],
    }
    assert validated(**values) == values | {
        "id": uuid.UUID(uuid7()),
        "captured_at": datetime(2026, 11, 23, 7, 59, 58, 120000, UTC),
        "fields": [("title", " From the train\r\n"), ("tags", "a"), ("tags", "b"), ("", "")],
    }


def test_what_is_left_out_is_absent():
    minimal = {"id": uuid7(), "form": "post"}
    taken = validate_batch(batch(minimal))["submissions"][0]
    assert taken == {
        "id": uuid.UUID(uuid7()),
        "form": "post",
        "captured_at": None,
        "fields": [],
        "files": [],
        "data": None,
        "language": None,
        "time_zone": None,
        "target": None,
        "group": None,
        "base_version": None,
        "refs": [],
    }


def test_unknown_keys_are_ignored():
    taken = validate_batch(batch(submission(later="x", files=[file(later=1)]), later=[1]))
    assert "later" not in taken
    assert "later" not in taken["submissions"][0]
    assert "later" not in taken["submissions"][0]["files"][0]


@pytest.mark.parametrize(
    "id",
    [
        uuid7().upper().replace("0197", "019A"),
        uuid7().replace("-", ""),
        "{" + uuid7() + "}",
        "urn:uuid:" + uuid7(),
        uuid7() + "\n",
        " " + uuid7(),
        "0197" + "0" * 28,
        "00000000-0000-4000-8000-000000000001",
        "01970000-0000-6000-8000-000000000001",
        "01970000-0000-7000-7000-000000000001",
        "01970000-0000-7000-c000-000000000001",
        "01970000-0000-7000-8000-00000000000\N{FULLWIDTH DIGIT ONE}",
        "\ud800",
        "",
        1,
        None,
        [],
        {},
    ],
)
def test_an_id_of_another_form_is_malformed(id):
    with pytest.raises(Malformed, match=r"submissions\.0\.id"):
        validated(id=id)


@pytest.mark.parametrize("variant", "89ab")
def test_every_variant_of_a_uuid7_is_taken(variant):
    assert validated(id=f"01970000-0000-7fff-{variant}fff-ffffffffffff")["id"].version == 7


def test_an_id_twice_in_a_batch_is_malformed():
    with pytest.raises(Malformed, match="same id"):
        validate_batch(batch(submission(1), submission(2), submission(1, form="other")))


def test_a_part_that_two_files_name_is_malformed():
    """One upload would fill the disk as often as it is named."""
    with pytest.raises(Malformed, match="same part"):
        validate_batch(batch(submission(1, files=[file("f1")]), submission(2, files=[file("f1")])))
    with pytest.raises(Malformed, match="same part"):
        validate_batch(batch(submission(1, files=[file("f1"), file("f1", field="other")])))


@pytest.mark.parametrize("protocol", [2, 0, -1, 10**30])
def test_another_protocol_is_unsupported_whatever_the_rest_looks_like(protocol):
    with pytest.raises(UnsupportedProtocol):
        validate_batch({"protocol": protocol, "submissions": "of another shape"})


@pytest.mark.parametrize("protocol", [True, False, 1.0, "1", None, [], {}])
def test_a_protocol_that_is_no_number_is_malformed(protocol):
    with pytest.raises(Malformed):
        validate_batch(batch(protocol=protocol))


@pytest.mark.parametrize("data", [None, [], "", 1, True, {}, [batch()]])
def test_what_is_no_batch_is_malformed(data):
    with pytest.raises(Malformed):
        validate_batch(data)


@pytest.mark.parametrize("submissions", [[], None, {}, "x", 1, [None], [[]], ["x"], [1], [{}]])
def test_submissions_are_a_list_of_objects_with_one_at_least(submissions):
    with pytest.raises(Malformed):
        validate_batch(batch() | {"submissions": submissions})


@pytest.mark.parametrize(
    "fields",
    [
        None,
        {},
        {"title": "x"},
        "title",
        ["title"],
        [["title"]],
        [["title", "x", "y"]],
        [["title", 1]],
        [[1, "x"]],
        [["title", None]],
        [["title", ["x"]]],
        [{"title": "x"}],
        ["ab"],
    ],
)
def test_fields_are_pairs_of_strings(fields):
    with pytest.raises(Malformed, match=r"submissions\.0\.fields"):
        validated(fields=fields)


@pytest.mark.parametrize("name", ["form", "language", "time_zone", "target", "group", "base_version"])
@pytest.mark.parametrize("value", [1, True, [], {}, 1.5])
def test_texts_are_strings(name, value):
    with pytest.raises(Malformed, match=name):
        validated(**{name: value})


@pytest.mark.parametrize("name", ["language", "time_zone", "target", "group", "base_version", "data", "captured_at"])
def test_null_stands_for_absent(name):
    assert validated(**{name: None})[name] is None


def test_a_form_is_named():
    with pytest.raises(Malformed, match="form"):
        validated(form=None)


@pytest.mark.parametrize("data", [[], "x", 1, True, False, 0])
def test_data_is_an_object(data):
    with pytest.raises(Malformed, match="data"):
        validated(data=data)


@pytest.mark.parametrize(
    "values",
    [
        {"field": None},
        {"field": 1},
        {"part": None},
        {"part": 1},
        {"name": None},
        {"type": 1},
        {"size": None},
        {"size": -1},
        {"size": True},
        {"size": 1.0},
        {"size": "3"},
    ],
)
def test_files_are_described_in_full(values):
    with pytest.raises(Malformed, match=r"submissions\.0\.files\.0"):
        validated(files=[file(**values)])


@pytest.mark.parametrize("files", [None, {}, "x", [None], ["f1"], [[]]])
def test_files_are_a_list_of_objects(files):
    with pytest.raises(Malformed, match="files"):
        validated(files=files)


@pytest.mark.parametrize("text", ["\ud800", "\udfff\ud800", "\x00", "\ufeff", " ", "\u202e"])
def test_c6_poison_is_let_through_for_the_ingestion_to_refuse_alone(text):
    taken = validated(form=text, fields=[[text, text]], files=[file(part=text, name=text)], data={text: text})
    assert taken["form"] == text
    assert taken["fields"] == [(text, text)]
    assert taken["files"][0]["name"] == text
    assert taken["data"] == {text: text}


@pytest.mark.parametrize(
    ("claim", "time"),
    [
        ("2026-11-23T07:59:58.120Z", datetime(2026, 11, 23, 7, 59, 58, 120000, UTC)),
        ("2026-11-23T08:59:58+01:00", datetime(2026, 11, 23, 7, 59, 58, tzinfo=UTC)),
        ("2026-11-23T08:59:58", datetime(2026, 11, 23, 8, 59, 58, tzinfo=UTC)),
        ("1970-01-01T00:00:00.000Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("9998-12-31T23:59:59Z", datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("9999-12-31T23:59:59-14:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("0001-01-01T00:00:00Z", None),
        ("+275760-09-13T00:00:00.000Z", None),
        ("2026-02-30T00:00:00Z", None),
        ("2026-11-23T25:00:00Z", None),
        ("yesterday", None),
        ("", None),
        ("\ud800", None),
        ("9" * 100000, None),
        (1700000000, None),
        (None, None),
        ([], None),
        ({}, None),
    ],
)
def test_b14_a_clock_that_is_wrong_is_no_reason_to_refuse(claim, time):
    assert validated(captured_at=claim)["captured_at"] == time


def test_b14_a_time_without_a_zone_is_not_taken_for_the_server_s(settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    assert validated(captured_at="2026-11-23T08:59:58")["captured_at"] == datetime(2026, 11, 23, 8, 59, 58, tzinfo=UTC)


@pytest.mark.parametrize("hours", [-14, 0, 14])
def test_b14_a_time_that_was_taken_can_be_shown_in_every_zone(hours):
    zone = timezone(timedelta(hours=hours))
    for claim in ("1970-01-01T00:00:00Z", "9998-12-31T23:59:59Z"):
        assert validated(captured_at=claim)["captured_at"].astimezone(zone)


def test_c8_more_submissions_than_the_limit_are_too_large(settings):
    settings.OFFLINESYNC = {"MAX_SUBMISSIONS": 2}
    assert len(validate_batch(batch(submission(1), submission(2)))["submissions"]) == 2
    with pytest.raises(TooLarge, match="more than 2 submissions"):
        validate_batch(batch(submission(1), submission(2), submission(3)))


def test_c8_the_count_is_looked_at_before_the_submissions(settings, monkeypatch):
    settings.OFFLINESYNC = {"MAX_SUBMISSIONS": 2}
    monkeypatch.setattr(serializers, "BatchSerializer", None)
    with pytest.raises(TooLarge):
        validate_batch(batch() | {"submissions": [None] * 3})


@pytest.mark.parametrize("bound", [100, 700, None])
@pytest.mark.parametrize("item", [{}, 0, None])
@pytest.mark.parametrize("spread", [1, 2])
def test_c8_files_that_can_never_arrive_are_counted_before_they_are_looked_at(
    settings, monkeypatch, bound, item, spread
):
    """Each of them costs DRF errors of its own: 300 KB of empty objects kept a process busy for half a minute."""
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = bound
    most = max_parts()
    each = [item] * (most // spread)
    submissions = [submission(number, files=each) for number in range(spread)]
    with pytest.raises(Malformed, match="files"):
        validate_batch(batch(*submissions))
    monkeypatch.setattr(serializers, "BatchSerializer", None)
    submissions[0]["files"] = [*each, item]
    with pytest.raises(TooLarge, match=f"more than {most} files"):
        validate_batch(batch(*submissions))


def test_c6_how_many_fields_a_submission_may_have_is_for_its_receipt_to_say():
    """The limits of Django are those of one form, so that one submission over them must not refuse the batch."""
    taken = validated(fields=[["a", "1"]] * 2000, files=[file(f"f{number}") for number in range(200)])
    assert len(taken["fields"]) == 2000
    assert len(taken["files"]) == 200


def test_the_detail_says_where_and_repeats_nothing_of_what_was_sent():
    with pytest.raises(Malformed) as caught:
        validate_batch(batch(submission(1), submission(2, form=["my secret"])))
    assert caught.value.detail == "submissions.1.form: This must be a string."
    assert "secret" not in json.dumps(caught.value.get_full_details())


@pytest.mark.parametrize("refs", [None, "parent", {"parent": 1}, [1], [["parent"]], [None]])
def test_refs_are_a_list_of_names(refs):
    with pytest.raises(Malformed, match="refs"):
        validate_batch(batch(submission(refs=refs)))
