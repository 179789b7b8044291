"""The ledger."""

import uuid

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, transaction

from offlinesync.models import Submission

pytestmark = pytest.mark.django_db

ID = uuid.UUID("01970000-0000-7000-8000-000000000000")


def test_c1_the_database_itself_takes_an_id_once_per_owner() -> None:
    Submission.objects.create(owner="", submission_id=ID, form="a", digest="1:")
    Submission.objects.create(owner="1", submission_id=ID, form="a", digest="1:")
    for owner in ("", "1"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Submission.objects.create(owner=owner, submission_id=ID, form="b", digest="2:")


def test_c5_a_row_outlives_its_user(django_user_model: type[User]) -> None:
    user = django_user_model.objects.create(username="u")
    owner = str(user.pk)
    row = Submission.objects.create(owner=owner, submission_id=ID, form="a", digest="1:", user=user)
    user.delete()
    row.refresh_from_db()
    assert (row.user, row.owner, row.submission_id, row.digest) == (None, owner, ID, "1:")


def test_the_ledger_holds_nothing_of_what_was_written() -> None:
    """The columns are a promise: nobody adds one for the payload without noticing this test."""
    assert {field.name for field in Submission._meta.get_fields()} == {
        "id",
        "owner",
        "submission_id",
        "form",
        "digest",
        "result",
        "key",
        "captured_at",
        "received_at",
        "user",
    }


def test_a_row_is_shown_by_form_and_id() -> None:
    assert str(Submission(form="post", submission_id=ID)) == f"post {ID}"


def test_the_migrations_make_the_models() -> None:
    call_command("makemigrations", "offlinesync", check=True, dry_run=True)
