"""The ledger in the admin."""

import uuid

import pytest
from django.test import Client

from offlinesync.models import Submission

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.python.sampleapp.urls")]


@pytest.fixture
def row() -> Submission:
    return Submission.objects.create(
        owner="42", submission_id=uuid.uuid4(), form="post", digest="1:x", result={"url": "/"}
    )


def test_the_ledger_can_be_looked_through(admin_client: Client, row: Submission) -> None:
    for query in ("", "?q=42", f"?q={row.submission_id}", "?form=post"):
        page = admin_client.get("/admin/offlinesync/submission/" + query)
        assert str(row.submission_id) in page.content.decode()
    page = admin_client.get(f"/admin/offlinesync/submission/{row.pk}/change/")
    assert page.status_code == 200
    assert b"1:x" in page.content


def test_c5_nobody_changes_the_ledger(admin_client: Client, row: Submission) -> None:
    """Whoever deleted a row would let its submission in a second time."""
    base = "/admin/offlinesync/submission/"
    assert admin_client.get(f"{base}add/").status_code == 403
    assert admin_client.post(f"{base}{row.pk}/change/", {"form": "other"}).status_code == 403
    assert admin_client.post(f"{base}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    admin_client.post(base, {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
    row.refresh_from_db()
    assert row.form == "post"
