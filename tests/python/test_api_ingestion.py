"""The whole way down from the API: transactions, ledger and receipts."""

import pytest
from django.db import connection, connections
from rest_framework.exceptions import ParseError

from tests.python.wire import Device, batch, file, submission


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
