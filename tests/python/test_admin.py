"""The ledger in the admin."""

import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

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


@pytest.mark.parametrize("query", ["", "?q=42", "?q=42 43", "?q=a%25b", "?q=5f0c2a4e-9d1b-4c6a-8e37-2b9f60d1a7c4"])
def test_p9_no_page_of_the_ledger_reads_values_or_texts_of_all_its_rows(
    admin_client: Client, row: Submission, query: str
) -> None:
    """The table only grows, and only the owner and the id are indexed."""
    with CaptureQueriesContext(connection) as queries:
        assert admin_client.get("/admin/offlinesync/submission/" + query).status_code == 200
    statements = [item["sql"].upper() for item in queries if "offlinesync_submission" in item["sql"]]
    assert statements
    assert not [sql for sql in statements if "DISTINCT" in sql or "LIKE" in sql or "MIN(" in sql or "MAX(" in sql]


def test_a_search_is_for_a_whole_owner_or_id(admin_client: Client, row: Submission) -> None:
    owned_by_a_uuid = Submission.objects.create(
        owner=str(uuid.uuid4()), submission_id=uuid.uuid4(), form="post", digest="1:x"
    )

    def found(search: str) -> set[str]:
        page = admin_client.get("/admin/offlinesync/submission/", {"q": search})
        return {str(item.submission_id) for item in page.context["cl"].result_list}

    assert found("42") == found(f" {row.submission_id} ") == {str(row.submission_id)}
    assert found(owned_by_a_uuid.owner) == {str(owned_by_a_uuid.submission_id)}
    assert found("4") == found("post") == found("x" * 10_000) == set()


def test_c5_nobody_changes_the_ledger(admin_client: Client, row: Submission) -> None:
    """Whoever deleted a row would let its submission in a second time."""
    base = "/admin/offlinesync/submission/"
    assert admin_client.get(f"{base}add/").status_code == 403
    assert admin_client.post(f"{base}{row.pk}/change/", {"form": "other"}).status_code == 403
    assert admin_client.post(f"{base}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    admin_client.post(base, {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
    row.refresh_from_db()
    assert row.form == "post"
