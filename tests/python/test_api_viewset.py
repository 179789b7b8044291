"""The endpoint of the submissions: receipts, refusals, and JSON whatever happens."""

import json
import logging
import uuid

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError, connection
from django.http import Http404
from django.test import RequestFactory
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.exceptions import APIException, ParseError, ValidationError

from offlinesync.api.viewset import SubmissionViewSet
from offlinesync.submissions import Receipt
from tests.python.wire import Device, batch, file, refusal, submission, uuid7

# No database but where a test asks for it: every limit is checked before any query (row C8).


@pytest.fixture
def answering(monkeypatch):
    """Lets the ingestion answer with these receipts, or raise this."""

    def answer(*receipts: object):
        def ingest(submissions, *, user):
            if isinstance(receipts[0], Exception):
                raise receipts[0]
            return list(receipts)

        monkeypatch.setattr("offlinesync.api.viewset.ingest", ingest)

    return answer


ONE = uuid.UUID(uuid7(1))
TWO = uuid.UUID(uuid7(2))


def test_a_receipt_for_each_submission_in_the_same_order(recorder):
    response = Device().send(batch(submission(3), submission(1), submission(2)))
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert "no-store" in response["Cache-Control"]
    assert [receipt["id"] for receipt in response.json()["receipts"]] == [uuid7(3), uuid7(1), uuid7(2)]


def test_c6_receipts_carry_what_is_known_and_no_more(answering):
    answering(
        Receipt(id=ONE, status="accepted", result={"url": "/posts/1/"}, replayed=False),
        Receipt(id=TWO, status="rejected", code="invalid", errors={"title": [{"message": "x", "code": "required"}]}),
    )
    assert Device().send(batch(submission(1), submission(2))).json() == {
        "receipts": [
            {"id": uuid7(1), "status": "accepted", "result": {"url": "/posts/1/"}, "replayed": False},
            {
                "id": uuid7(2),
                "status": "rejected",
                "code": "invalid",
                "errors": {"title": [{"message": "x", "code": "required"}]},
            },
        ]
    }


def test_c6_half_a_surrogate_pair_in_a_receipt_can_be_read(answering):
    answering(Receipt(id=ONE, status="conflict", current={"title": "\ud800ä\u2028</script>"}))
    response = Device().send(batch())
    assert response.content.isascii()
    assert response.json()["receipts"][0]["current"] == {"title": "\ud800ä\u2028</script>"}


@pytest.mark.parametrize("current", [float("nan"), {("a", "b"): 1}, Exception])
def test_a_receipt_that_is_no_json_is_an_error_of_the_site_in_json(answering, caplog, current):
    answering(Receipt(id=ONE, status="conflict", current={"x": current}))
    assert refusal(Device().send(batch())) == (500, "server_error")
    assert "Could not answer POST" in caplog.text


def test_a_site_may_override_what_is_done_with_the_submissions(recorder):
    seen = []

    class Watching(SubmissionViewSet):
        def perform_ingest(self, submissions):
            seen.extend(submissions)
            return super().perform_ingest(submissions)

    request = RequestFactory().post("/", json.dumps(batch()), "application/json")
    request._dont_enforce_csrf_checks = True
    assert Watching.as_view({"post": "create"})(request).status_code == 200
    assert [str(submission.id) for submission in seen] == [uuid7()]
    assert seen == recorder.submissions


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TEAPOT"])
def test_only_post_is_answered(method):
    device = Device()
    device.open_session()
    response = device.generic(method, reverse("offlinesync:submissions"), headers=device.csrf_headers)
    assert response["Allow"] == "POST"
    if method == "HEAD":
        assert response.status_code == 405
    else:
        assert refusal(response) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "text/plain", "text/html", "application/xml", "x", "application/jsonp", ";"],
)
def test_another_media_type_is_unsupported(recorder, content_type):
    assert refusal(Device().send(batch(), content_type)) == (415, "unsupported_media_type")
    assert recorder.submissions == []


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-16", "Application/JSON ;x=y"])
def test_the_media_type_counts_and_its_parameters_do_not(recorder, content_type):
    assert Device().send(batch(), content_type).status_code == 200


def test_an_unsupported_protocol_is_told_apart(recorder):
    assert refusal(Device().send(batch(protocol=2))) == (400, "unsupported_protocol")
    assert refusal(Device().send(batch(protocol=True))) == (400, "malformed")
    assert recorder.submissions == []


def test_c8_too_many_submissions_are_too_large(settings, recorder):
    settings.OFFLINESYNC = {"MAX_SUBMISSIONS": 2}
    many = [submission(number) for number in range(3)]
    assert refusal(Device().send(batch(*many))) == (413, "too_large")
    assert recorder.submissions == []


@pytest.mark.django_db
def test_c8_limits_cost_a_signed_in_user_no_query_either(settings, recorder, django_user_model, monkeypatch):
    device = Device()
    user = django_user_model.objects.create_user("anna")
    device.force_login(user)
    owner = device.open_session()["owner"]
    settings.OFFLINESYNC = {"MAX_SUBMISSIONS": 1, "MAX_BYTES": 3000}
    with connection.execute_wrapper(forbid_queries):
        for body, answer in (
            (batch(submission(1), submission(2), owner=owner), (413, "too_large")),
            (batch(submission(fields=[["x", "y" * 4000]]), owner=owner), (413, "too_large")),
            (batch(submission(id="x"), owner=owner), (400, "malformed")),
            (batch(owner=owner, protocol=2), (400, "unsupported_protocol")),
            (b"[" * 1000, (400, "malformed")),
        ):
            assert refusal(device.send(body)) == answer
    assert device.send(batch(owner=owner)).status_code == 200


def forbid_queries(execute, sql, params, many, context):
    raise AssertionError(f"A query before the limits were checked: {sql}")


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (OperationalError("server closed the connection"), (503, "unavailable")),
        (InterfaceError("connection already closed"), (503, "unavailable")),
        (RuntimeError("boom"), (500, "server_error")),
        (RecursionError(), (500, "server_error")),
        (AttributeError("x"), (500, "server_error")),
        (ConnectionError("the cache is away"), (503, "unavailable")),
        (Http404("x"), (404, "not_found")),
        (PermissionDenied("x"), (403, "permission_denied")),
        (SuspiciousOperation("x"), (400, "malformed")),
        (ParseError("x"), (400, "parse_error")),
        (ValidationError({"a": ["b"]}), (400, "invalid")),
        (APIException("x", code="of_the_site"), (500, "of_the_site")),
    ],
)
def test_whatever_happens_is_answered_in_json(answering, caplog, error, answer):
    answering(error)
    with caplog.at_level(logging.ERROR, "offlinesync"):
        response = Device().send(batch())
    assert refusal(response) == answer
    assert "ErrorDetail" not in response.json()["detail"]
    assert ("Retry-After" in response) == (answer[0] == 503)
    unforeseen = answer[1] in ("unavailable", "server_error")
    logged = [record for record in caplog.records if record.name == "offlinesync"]
    assert [type(record.exc_info[1]).__name__ for record in logged] == ([type(error).__name__] if unforeseen else [])


def test_an_error_of_the_site_tells_nothing_of_itself(answering):
    answering(RuntimeError("the password is 1234"))
    assert b"1234" not in Device().send(batch()).content


@pytest.mark.parametrize("debug", [True, False])
def test_an_error_of_the_site_is_json_in_debug_too(answering, settings, debug):
    settings.DEBUG = debug
    answering(RuntimeError("boom"))
    assert refusal(Device().send(batch())) == (500, "server_error")


@pytest.mark.django_db
def test_a_database_that_is_away_while_the_user_is_loaded_is_json(recorder, django_user_model):
    device = Device()
    user = django_user_model.objects.create_user("anna")
    device.force_login(user)
    device.open_session()
    with connection.execute_wrapper(database_away):
        response = device.send(batch(owner=str(user.pk)))
    assert refusal(response) == (503, "unavailable")
    assert int(response["Retry-After"]) >= 1
    with connection.execute_wrapper(database_away):
        assert refusal(device.get(reverse("offlinesync:session"))) == (503, "unavailable")


def database_away(execute, sql, params, many, context):
    raise OperationalError("could not connect to server")


def replaced(value, path, by):
    """The value with what lies at the end of the path replaced."""
    if not path or not isinstance(value, (dict, list)) or not value:
        return by
    keys = list(value) if isinstance(value, dict) else range(len(value))
    key = keys[path[0] % len(keys)]
    copy = value.copy()
    copy[key] = replaced(value[key], path[1:], by)
    return copy


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    # Half of a surrogate pair, which only an escape can bring.
    | st.sampled_from(["\ud800", "", "\x00", "post", uuid7(), "x" * 1000]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.tuples(st.lists(st.integers(0, 20), max_size=6), ODD), min_size=1, max_size=3))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
def test_c8_a_batch_with_anything_anywhere_is_answered_in_json(recorder, changes):
    body = batch(
        submission(1, data={"a": 1}, files=[file()], captured_at="2026-11-23T07:59:58.120Z", language="de"),
        submission(2, target="/", group="g", base_version="1", time_zone="Europe/Berlin"),
    )
    for where, value in changes:
        body = replaced(body, where, value)
    response = Device().send(body)
    if response.status_code == 200:
        assert len(response.json()["receipts"]) == len(body["submissions"])
    else:
        assert refusal(response) in [
            (400, "malformed"),
            (400, "unsupported_protocol"),
            (403, "not_authenticated"),
            (413, "too_large"),
        ]
