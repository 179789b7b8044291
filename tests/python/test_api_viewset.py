import json
import logging
import uuid

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError, connection, connections
from django.http import Http404
from django.test import RequestFactory
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle
from rest_framework.views import APIView

from offlinesync.api.views import SessionView
from offlinesync.api.viewset import SubmissionViewSet
from offlinesync.submissions import Receipt
from tests.python.wire import Device, Recorder, batch, file, refusal, submission, uuid7

# No database but where a test asks for it: every limit is checked before any query (row C8).


@pytest.fixture
def recorder(monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr("offlinesync.api.viewset.ingest", recorder)
    return recorder


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


class CountingThrottle(SimpleRateThrottle):
    """Three submissions a minute for each address."""

    rate = "3/min"

    def get_cache_key(self, request, view):
        return "submissions"


@pytest.fixture
def throttled(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "throttle"}}
    settings.OFFLINESYNC = {"THROTTLE_CLASSES": [f"{__name__}.CountingThrottle"]}
    CountingThrottle.cache.clear()
    yield
    CountingThrottle.cache.clear()


@pytest.mark.usefixtures("throttled")
def test_throttles_count_submissions_and_not_requests(recorder):
    assert Device().send(batch(submission(1), submission(2))).status_code == 200
    recorder.submissions = []
    response = Device().send(batch(submission(3), submission(4)))
    assert refusal(response) == (429, "throttled")
    assert 1 <= int(response["Retry-After"]) <= 60
    assert recorder.submissions == []


@pytest.mark.usefixtures("throttled")
def test_what_is_refused_for_its_shape_does_not_count():
    for _ in range(5):
        assert refusal(Device().send(batch(submission(id="x")))) == (400, "malformed")


class SilentThrottle(BaseThrottle):
    def allow_request(self, request, view):
        return False


def test_b12_a_throttle_that_names_no_time_has_one_all_the_same(settings, recorder):
    settings.OFFLINESYNC = {"THROTTLE_CLASSES": [f"{__name__}.SilentThrottle"]}
    response = Device().send(batch())
    assert refusal(response) == (429, "throttled")
    assert response["Retry-After"] == "10"


def test_there_is_no_throttle_by_default(recorder):
    device = Device()
    assert [device.send(batch(submission(number))).status_code for number in range(50)] == [200] * 50


class Hostile:
    def __init__(self, *args: object, **kwargs) -> None:
        raise AssertionError("A default of the site was used.")


HOSTILE = {
    "DEFAULT_RENDERER_CLASSES": [Hostile],
    "DEFAULT_PARSER_CLASSES": [Hostile],
    "DEFAULT_AUTHENTICATION_CLASSES": [Hostile],
    "DEFAULT_PERMISSION_CLASSES": [Hostile],
    "DEFAULT_THROTTLE_CLASSES": [Hostile],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": Hostile,
    "DEFAULT_METADATA_CLASS": Hostile,
    "DEFAULT_VERSIONING_CLASS": Hostile,
}


def hostile_exception_handler(exc, context):
    raise AssertionError("The site's exception handler was used.")


def test_no_policy_is_left_to_the_site_s_defaults():
    """DRF copies its settings into ``APIView``; each must be spelt out by us."""
    policies = [name for name in vars(APIView) if name.endswith(("_classes", "_class"))]
    assert len(policies) >= 8
    for view in (SessionView, SubmissionViewSet):
        for name in policies:
            owner = next(cls for cls in view.__mro__ if name in vars(cls))
            assert owner.__module__.startswith("offlinesync."), f"{view.__name__}.{name} comes from {owner}"


def test_the_site_s_drf_defaults_change_nothing(settings, recorder, monkeypatch):
    settings.REST_FRAMEWORK = {
        **HOSTILE,
        "EXCEPTION_HANDLER": hostile_exception_handler,
        "UNAUTHENTICATED_USER": None,
        "UNICODE_JSON": True,
        "COMPACT_JSON": False,
        "STRICT_JSON": False,
        "FORMAT_SUFFIX_KWARG": "format",
        "URL_FORMAT_OVERRIDE": "format",
    }
    for name, value in HOSTILE.items():
        attribute = name.removeprefix("DEFAULT_").lower()
        monkeypatch.setattr(APIView, attribute, value)
    assert api_settings.EXCEPTION_HANDLER is hostile_exception_handler
    device = Device()
    assert device.open_session()["protocol"] == 1
    assert device.send(batch(), headers={"Accept": "text/html"}).status_code == 200
    assert refusal(device.send(batch(protocol=2))) == (400, "unsupported_protocol")
    assert refusal(device.send(b"x", "text/plain")) == (415, "unsupported_media_type")
    assert refusal(Device().post(reverse("offlinesync:submissions"))) == (403, "csrf_failed")


@pytest.mark.django_db
def test_the_views_are_open_under_login_required_middleware(settings, recorder):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    device = Device()
    assert device.open_session()["owner"] is None
    assert device.send(batch()).status_code == 200


@pytest.fixture
def _atomic_requests():
    databases = [connections[alias].settings_dict for alias in connections]
    before = [database["ATOMIC_REQUESTS"] for database in databases]
    for database in databases:
        database["ATOMIC_REQUESTS"] = True
    yield
    for database, value in zip(databases, before, strict=True):
        database["ATOMIC_REQUESTS"] = value


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_atomic_requests")
def test_c1_no_transaction_of_the_request_lies_around_the_submissions(monkeypatch, recorder):
    inside = []

    def ingest(submissions, *, user):
        inside.append(connection.in_atomic_block)
        return recorder(submissions, user=user)

    monkeypatch.setattr("offlinesync.api.viewset.ingest", ingest)
    assert Device().send(batch()).status_code == 200
    assert inside == [False]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_atomic_requests")
def test_c1_what_was_committed_stays_when_the_request_fails_later(monkeypatch, django_user_model):
    """DRF's own exception handler rolls back under ``ATOMIC_REQUESTS``."""

    def ingest(submissions, *, user):
        django_user_model.objects.create_user("committed")
        raise ParseError

    monkeypatch.setattr("offlinesync.api.viewset.ingest", ingest)
    assert Device().send(batch()).status_code == 400
    assert django_user_model.objects.filter(username="committed").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("atomic", [True, False])
def test_b8_the_same_batch_again_brings_the_same_receipts(request, atomic):
    """The whole way down: handler, ledger, receipt."""
    if atomic:
        request.getfixturevalue("_atomic_requests")
    fields = [["title", "From the train"], ["location", "Olten"], ["body", "All is well."]]
    sent = batch(submission(1, fields=fields), submission(2, form="no-such-form"), submission(3, fields=[]))
    first = Device().send(sent).json()["receipts"]
    again = Device().send(sent).json()["receipts"]
    assert [receipt["status"] for receipt in first] == ["accepted", "rejected", "rejected"]
    assert [receipt.get("code") for receipt in first] == [None, "unknown_form", "invalid"]
    assert (first[0].pop("replayed"), again[0].pop("replayed")) == (False, True)
    assert first == again


@pytest.mark.django_db(transaction=True)
def test_c3_d9_an_id_with_another_body_gives_an_anonymous_visitor_no_result():
    fields = [["title", "From the train"], ["location", "Olten"], ["body", "All is well."]]
    Device().send(batch(submission(fields=fields)))
    [receipt] = Device().send(batch(submission(fields=[["title", "Probing"]]))).json()["receipts"]
    assert (receipt["status"], receipt["code"]) == ("rejected", "id_reuse")
    assert "result" not in receipt


@pytest.mark.django_db(transaction=True)
def test_d9_another_user_s_id_answers_like_an_unknown_one(django_user_model):
    fields = [["title", "From the train"], ["location", "Olten"], ["body", "All is well."]]
    answers = []
    for name in ("anna", "bert"):
        user = django_user_model.objects.create_user(name)
        device = Device()
        device.force_login(user)
        [receipt] = device.send(batch(submission(fields=fields), owner=str(user.pk))).json()["receipts"]
        answers.append((receipt["status"], receipt["replayed"]))
    assert answers == [("accepted", False), ("accepted", False)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("limit", "excess"),
    [
        ("DATA_UPLOAD_MAX_NUMBER_FIELDS", {"fields": [["more", ""]] * 4}),
        ("DATA_UPLOAD_MAX_NUMBER_FILES", {"files": [file(f"f{number}", size=0) for number in range(4)]}),
    ],
)
def test_c6_a_submission_over_djangos_limit_is_refused_alone(settings, limit, excess):
    setattr(settings, limit, 3)
    fields = [["title", "From the train"], ["location", "Olten"], ["body", "All is well."]]
    parts = [(f"f{number}", b"", "a", "b/c") for number in range(4)]
    described = batch(submission(1, **excess), submission(2, fields=fields))
    receipts = Device().send_parts(("batch", described), *parts).json()["receipts"]
    assert [receipt["status"] for receipt in receipts] == ["rejected", "accepted"]
    assert receipts[0]["code"] == "too_large"
