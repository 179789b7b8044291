"""Whole batches and whole requests at random, compared with a model of what must become of them (rows C3, C6, C8)."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import offlinesync
from offlinesync.models import Submission
from offlinesync.submissions import IncomingSubmission

from .sampleapp import offline
from .sampleapp.models import Note
from .wire import Device, batch, multipart, uuid7

pytestmark = pytest.mark.django_db

# What a note is told to do, and what its receipt says.
FATES = {
    "": ("accepted", None),
    "validate: refuse": ("rejected", "invalid"),
    "save: refuse": ("rejected", "invalid"),
    "save: deny": ("rejected", "forbidden"),
    "validate: miss": ("rejected", "invalid"),
    "save: overflow": ("rejected", "invalid"),
    "validate: fail": ("deferred", "handler_error"),
    "save: fail": ("deferred", "handler_error"),
    "save: swallow": ("deferred", "handler_error"),
}
FORMS = {
    "note": None,
    "private note": ("rejected", "forbidden"),
    "nobody's": ("rejected", "unknown_form"),
}


@dataclass(frozen=True)
class Sent:
    """One submission; the ids are few, so that some come again, and some with another body."""

    number: int
    body: str
    behaviour: str
    form: str
    group: str | None
    title: bool

    @property
    def id(self) -> str:
        return uuid7(self.number)

    @property
    def content(self) -> tuple:
        """What the digest is of."""
        return (self.form, self.body, self.behaviour, self.title)

    @property
    def name(self) -> str:
        return f"{self.number} {self.body}" if self.title else ""

    def as_json(self) -> dict[str, Any]:
        fields = [["title", self.name], ["body", self.body], ["behaviour", self.behaviour]]
        optional = {} if self.group is None else {"group": self.group}
        return {"id": self.id, "form": self.form, "fields": fields, **optional}

    @property
    def fate(self) -> tuple[str, str | None]:
        """Its own, if nothing else decides."""
        invalid = None if self.title else ("rejected", "invalid")
        return FORMS[self.form] or invalid or FATES[self.behaviour]


@dataclass
class Model:
    """What the site has accepted so far."""

    accepted: dict[str, tuple] = field(default_factory=dict)
    notes: Counter = field(default_factory=Counter)
    heard: Counter = field(default_factory=Counter)

    def send(self, submissions: list[Sent]) -> Iterator[tuple[str, str | None, bool | None]]:
        broken = set()
        known = dict(self.accepted)
        for sent in submissions:
            status, code = sent.fate
            replayed = None
            if known.get(sent.id) == sent.content:
                status, code, replayed = "accepted", None, True
            elif sent.group in broken:
                status, code = "deferred", "group"
            elif sent.id in known:
                status, code = "rejected", "id_reuse"
            elif status == "accepted":
                replayed = False
                self.accepted[sent.id] = sent.content
                self.notes[sent.name] += 1
            if status != "accepted" and sent.group is not None:
                broken.add(sent.group)
            if status == "rejected" or replayed is False:
                self.heard[status, sent.id] += 1
            yield status, code, replayed


# Mostly good, or few batches would be brought in together.
BEHAVIOURS = st.one_of(st.just(""), st.just(""), st.sampled_from(sorted(FATES)))
SENT = st.builds(
    Sent,
    number=st.integers(1, 8),
    body=st.sampled_from(["a", "a", "b"]),
    behaviour=BEHAVIOURS,
    form=st.sampled_from(["note", "note", "note", "note", "private note", "nobody's"]),
    group=st.sampled_from([None, None, "g", "h"]),
    title=st.sampled_from([True, True, True, False]),
)
BATCHES = st.lists(st.lists(SENT, min_size=1, max_size=8, unique_by=lambda sent: sent.number), min_size=1, max_size=5)


@pytest.fixture
def heard() -> Iterator[Counter]:
    """The signals that were sent."""
    heard: Counter = Counter()

    def listen(signal: Any, submission: IncomingSubmission, **arguments: Any) -> None:
        status = "accepted" if signal is offlinesync.submission_accepted else "rejected"
        heard[status, str(submission.id)] += 1

    for signal in (offlinesync.submission_accepted, offlinesync.submission_rejected):
        signal.connect(listen)
    yield heard
    offline.runs.clear()


@given(batches=BATCHES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_c3_c6_p6_receipts_ledger_effects_and_signals_are_those_of_the_model(heard, batches):
    Submission.objects.all().delete()
    Note.objects.all().delete()
    heard.clear()
    model, device, results = Model(), Device(), {}
    for submissions in batches:
        response = device.send(batch(*[sent.as_json() for sent in submissions]))
        assert response.status_code == 200
        receipts = response.json()["receipts"]
        assert [receipt["id"] for receipt in receipts] == [sent.id for sent in submissions]
        told = [(receipt["status"], receipt.get("code"), receipt.get("replayed")) for receipt in receipts]
        assert told == list(model.send(submissions))
        for receipt in receipts:
            if receipt["status"] == "accepted":
                assert results.setdefault(receipt["id"], receipt["result"]) == receipt["result"]
            assert ("retry_after" in receipt) == (receipt["status"] == "deferred")
            assert "Traceback" not in str(receipt)
        assert set(map(str, Submission.objects.values_list("submission_id", flat=True))) == set(model.accepted)
        assert Counter(Note.objects.values_list("title", flat=True)) == model.notes
        assert heard == model.heard


# Requests


GOOD = json.dumps(batch({"id": uuid7(1), "form": "note", "fields": [["title", "good"]]})).encode()
PARTS = multipart(("batch", GOOD), ("f1", b"abc", "a.txt", "text/plain"))
BODIES = st.one_of(
    st.sampled_from(
        [GOOD, PARTS, GOOD * 2, gzip.compress(GOOD), GOOD.decode().encode("utf-16"), b"\xef\xbb\xbf" + GOOD]
    ),
    st.binary(max_size=200),
    st.integers(0, len(GOOD)).map(lambda end: GOOD[:end]),
    st.integers(0, len(PARTS)).map(lambda end: PARTS[:end]),
    st.tuples(st.integers(0, len(GOOD) - 1), st.binary(max_size=3)).map(
        lambda change: GOOD[: change[0]] + change[1] + GOOD[change[0] + 1 :]
    ),
    st.tuples(st.integers(1, 3000), st.sampled_from([b"[", b'{"a":', b'{"submissions":['])).map(
        lambda nesting: nesting[1] * nesting[0]
    ),
)
# What HTTP lets a header hold, and a few of what it does not.
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)
TYPES = st.one_of(
    st.sampled_from(
        [
            "application/json",
            "application/json",
            "application/json; charset=utf-16",
            "APPLICATION/JSON;;",
            "multipart/form-data; boundary=limit",
            "multipart/form-data; boundary=limit",
            "multipart/form-data",
            'multipart/form-data; boundary="',
            "multipart/form-data; boundary=" + "b" * 300,
            "application/x-www-form-urlencoded",
            "text/plain",
            "",
        ]
    ),
    TEXTS,
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "Accept",
            "Accept-Language",
            "Content-Encoding",
            "Content-Transfer-Encoding",
            "Transfer-Encoding",
            "Cookie",
            "Origin",
            "Referer",
            "X-CSRFToken",
            "X-HTTP-Method-Override",
            "X-Forwarded-For",
            "X-Requested-With",
        ]
    ),
    TEXTS,
    max_size=3,
)
LENGTHS = st.one_of(
    st.none(),
    st.none(),
    st.sampled_from(["-1", "0", "1", "9" * 30, "x", "", "+5", "1e3", "٣"]),
    st.integers(0, 600).map(str),
)
KNOWN = {200, 400, 403, 413, 415, 503}


@given(body=BODIES, content_type=TYPES, headers=HEADERS, length=LENGTHS)
@example(body=GOOD, content_type="application/json", headers={}, length=None)
@example(body=PARTS, content_type="multipart/form-data; boundary=limit", headers={}, length=None)
@example(body=GOOD, content_type="application/json", headers={}, length="600")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_c8_whatever_is_sent_is_answered_in_json_and_applied_in_full_or_not_at_all(
    body, content_type, headers, length
):
    Submission.objects.all().delete()
    Note.objects.all().delete()
    device = Device()
    device.raise_request_exception = False
    device.open_session()
    # A stream of its own: the test client's would not be read beyond its end.
    extra = {} if length is None else {"CONTENT_LENGTH": length, "wsgi.input": BytesIO(body)}
    response = device.send(body, content_type, headers=headers, **extra)
    answer = response.json()
    assert response["Content-Type"] == "application/json"
    assert "no-store" in response["Cache-Control"]
    assert response.status_code in KNOWN
    # Only a body that is shorter than it says is worth another try.
    assert response.status_code != 503 or (length or "").isdigit()
    accepted = []
    if response.status_code == 200:
        accepted = [receipt["id"] for receipt in answer["receipts"] if receipt["status"] == "accepted"]
    else:
        assert set(answer) == {"code", "detail"}
    assert [str(key) for key in Submission.objects.values_list("submission_id", flat=True)] == accepted
    assert Note.objects.count() == len(accepted)


def test_the_examples_are_good_when_nothing_is_wrong_with_them():
    """Or the test before would prove little."""
    assert Device().send(GOOD).json()["receipts"][0]["status"] == "accepted"
    answer = Device().send(PARTS, "multipart/form-data; boundary=limit").json()
    assert answer["receipts"][0]["replayed"] is True
