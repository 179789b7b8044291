"""The id of an entry stands for the object that it makes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.management import call_command
from django.utils import timezone
from rest_framework.permissions import AllowAny

import offlinesync
from offlinesync import registry
from offlinesync.ingestion import ingest
from offlinesync.models import Submission
from offlinesync.submissions import IncomingSubmission

from .sampleapp.factories import again, note, send
from .sampleapp.models import Note

# An id that no device makes, and one that nobody has made.
NO_ENTRYS = "5f0c2a4e-9d1b-4c6a-8e37-2b9f60d1a7c4"
NOBODYS = "01a22454-bfd7-7430-b446-8168eac2332e"

seen: list[IncomingSubmission] = []


class EditHandler(offlinesync.Handler):
    """Renames the note that is its target, and keeps what it was given."""

    permission_classes = [AllowAny]

    def validate(self, submission: IncomingSubmission) -> Note:
        seen.append(submission)
        found = Note.objects.filter(pk=submission.target).first() if str(submission.target).isdigit() else None
        if found is None:
            raise offlinesync.Rejected("There is no such note.")
        return found

    def save(self, note: Note, submission: IncomingSubmission) -> dict[str, Any]:
        note.title = submission.post.get("title", note.title)
        note.save()
        return {"key": note.pk}


@pytest.fixture(autouse=True)
def _edits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_classes", {**registry._classes, "edit": EditHandler})
    yield
    seen.clear()


def edit(target: Any, title: str = "Edited", **options: Any) -> IncomingSubmission:
    return note(title, form="edit", target=str(target), **options)


@pytest.mark.django_db
@pytest.mark.parametrize("together", [True, False])
def test_an_object_is_edited_before_its_maker_has_a_key(together: bool) -> None:
    made = note("Made", group="g")
    edits = [edit(made.id, f"Edit {number}", group="g") for number in range(3)]
    batch = [made, *edits]
    if together:
        receipts = ingest(batch, user=AnonymousUser())
    else:
        receipts = [receipt for submission in batch for receipt in ingest([submission], user=AnonymousUser())]
    assert [receipt.status for receipt in receipts] == ["accepted"] * 4
    assert Note.objects.get().title == "Edit 2"
    assert {submission.target for submission in seen} == {str(Note.objects.get().pk)}


@pytest.mark.django_db
def test_an_edit_may_stand_for_what_it_has_edited() -> None:
    made = note("Made")
    first = edit(made.id, "First")
    ingest([made, first, edit(first.id, "Second")], user=AnonymousUser())
    assert Note.objects.get().title == "Second"


@pytest.mark.django_db
def test_p3_the_digest_is_of_what_the_device_has_sent() -> None:
    made = note("Made")
    change = edit(made.id)
    ingest([made, change], user=AnonymousUser())
    replayed = send(again(change))
    assert (replayed.status, replayed.replayed) == ("accepted", True)
    assert len(seen) == 1
    assert change.target == str(made.id)


@pytest.mark.django_db
def test_e3_only_fields_that_are_named_are_rewritten() -> None:
    made = note("Made")
    send(made)
    key, text = str(Note.objects.get().pk), str(made.id)
    fields = {"parent": text, "body": f"see {text}", "other": text}
    data = {"parent": text, "all": [text, "x", 5, None], "other": text, "deep": {"parent": text}}
    change = edit(key, refs=["parent", "all"], data=data, **fields)
    send(change)
    (given,) = seen
    assert dict(given.fields) == {"title": "Edited", "parent": key, "body": f"see {text}", "other": text}
    assert given.data == {"parent": key, "all": [key, "x", 5, None], "other": text, "deep": {"parent": text}}
    assert change.data == data


@pytest.mark.django_db
def test_c5_a_key_survives_pruning() -> None:
    made = note("Made")
    send(made)
    Submission.objects.update(received_at=timezone.now() - timedelta(days=400))
    call_command("offlinesync_prune", "--older-than", "365", verbosity=0)
    assert Submission.objects.get().result is None
    assert send(edit(made.id)).status == "accepted"


@pytest.mark.django_db
def test_p4_e3_an_id_stands_for_its_own_owner_s_object_alone(django_user_model: type[User]) -> None:
    anna, ben = (django_user_model.objects.create(username=name) for name in ("anna", "ben"))
    made = note("Anna's")
    send(made, anna)
    assert send(edit(made.id), ben).code == "invalid"
    assert send(edit(made.id)).code == "invalid"
    assert {submission.target for submission in seen} == {str(made.id)}
    assert send(edit(made.id), anna).status == "accepted"


@pytest.mark.django_db
@pytest.mark.parametrize("target", [NO_ENTRYS, NOBODYS, NOBODYS.upper(), "", "no id"])
def test_what_no_entry_has_made_is_left_as_it_is(target: str) -> None:
    assert send(edit(target)).code == "invalid"
    assert seen[0].target == target


@pytest.mark.django_db
def test_p6_e2_what_follows_a_refused_entry_of_its_group_waits_for_it() -> None:
    made = note("", group="g")
    receipts = ingest([made, edit(made.id, group="g")], user=AnonymousUser())
    assert [(receipt.status, receipt.code) for receipt in receipts] == [("rejected", "invalid"), ("deferred", "group")]


@pytest.mark.django_db
def test_c2_a_key_of_what_was_rolled_back_is_none() -> None:
    """A batch that fails together goes one by one, and what it has made then has other keys."""
    made = note("Made")
    receipts = ingest([made, edit(made.id), note("Bad", behaviour="save: fail")], user=AnonymousUser())
    assert [receipt.status for receipt in receipts] == ["accepted", "accepted", "deferred"]
    assert seen[-1].target == str(Note.objects.get().pk)
    failing = note("Never", behaviour="save: fail")
    receipts = ingest([failing, edit(failing.id)], user=AnonymousUser())
    assert [receipt.status for receipt in receipts] == ["deferred", "rejected"]
