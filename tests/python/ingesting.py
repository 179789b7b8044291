"""Batches at the ingestion itself, and what the tests of it look at."""

from django.contrib.auth.models import AnonymousUser, User

from offlinesync.ingestion import ingest
from offlinesync.models import Submission
from offlinesync.submissions import IncomingSubmission, Receipt

from .sampleapp.factories import file
from .sampleapp.models import Note

ANONYMOUS = AnonymousUser()
MIX = {
    "accepted": {},
    "invalid": {"title": ""},
    "forbidden": {"form": "private note"},
    "unknown_form": {"form": "nobody's"},
    "handler_error": {"behaviour": "save: fail"},
    "incomplete_file": {"files": [file(size=1_000_000)]},
}


def send(*submissions: IncomingSubmission, user: User | AnonymousUser = ANONYMOUS) -> list[Receipt]:
    return ingest(submissions, user=user)


def outcomes(receipts: list[Receipt]) -> list[str]:
    return [receipt.code or receipt.status for receipt in receipts]


def titles() -> list[str]:
    return list(Note.objects.order_by("pk").values_list("title", flat=True))


def assert_ledger_and_effects_agree() -> None:
    """Row C2."""
    assert Submission.objects.count() == Note.objects.exclude(slug="taken").count()
