"""Edits of what somebody else has edited since the page was rendered."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from html import unescape
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.template import Context, Template, TemplateSyntaxError
from django.test import RequestFactory

from offlinesync import registry
from offlinesync.signals import submission_rejected
from offlinesync.submissions import IncomingSubmission, Receipt

from .sampleapp.edits import HANDLERS, EditHandler
from .sampleapp.factories import again, file, note, send
from .sampleapp.models import Note

WRITERS = 8


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_classes", HANDLERS)


@pytest.fixture
def edited(db: None) -> Note:
    moment = datetime(2026, 3, 4, 5, 6, 7, 8900, UTC)
    return Note.objects.create(title="Milk", body="one", day=date(2026, 3, 4), moment=moment, attachment="a.txt")


def attributes(name: str, edited: Any) -> dict[str, str]:
    """What the page with the form says of it, rendered now."""
    request = RequestFactory().get("/notes/edit/")
    request.user = AnonymousUser()
    page = Template("{% load offlinesync %}<form {% offline_form name object=object %}>")
    text = page.render(Context({"request": request, "name": name, "object": edited}))
    return {key: unescape(value) for key, value in re.findall(r'data-offlinesync-([a-z-]+)="([^"]*)"', text)}


def edit(edited: Note, *, form: str = "edit", **changes: str) -> IncomingSubmission:
    """The form as the page has shown it, with some fields changed."""
    said = attributes(form, edited)
    fields = {"title": edited.title, "body": edited.body, "day": "2026-03-04", "moment": "2026-03-04 05:06:07"}
    posted = {f"n-{name}": value for name, value in {**fields, **changes}.items()}
    (title,) = [posted.pop("n-title")]
    return IncomingSubmission(
        id=note().id,
        form=form,
        fields=[("n-title", title), *posted.items()],
        target=said["target"],
        base_version=said["base-version"],
    )


def assert_conflict(receipt: Receipt, **current: Any) -> None:
    assert (receipt.status, receipt.code, receipt.result) == ("conflict", None, None)
    assert receipt.current == current


def test_what_nobody_has_changed_is_saved(edited: Note) -> None:
    assert send(edit(edited, title="Bread")).status == "accepted"
    edited.refresh_from_db()
    assert (edited.title, edited.body) == ("Bread", "one")


def test_the_version_is_what_the_form_shows_and_needs_no_change_of_the_model(edited: Note) -> None:
    said = attributes("edit", edited)
    assert said["target"] == str(edited.pk)
    assert json.loads(said["base-version"]) == {
        "n-title": "Milk",
        "n-body": "one",
        "n-day": "2026-03-04",
        "n-moment": "2026-03-04T05:06:07.008Z",
        "n-attachment": "a.txt",
    }


@pytest.mark.parametrize("change", [{"title": "Bread"}, {"title": "Milk", "day": "2026-03-05"}])
def test_e1_what_somebody_has_changed_meanwhile_is_a_conflict_and_stays(edited: Note, change: dict[str, str]) -> None:
    mine = edit(edited, **change)
    Note.objects.update(title="Cheese")
    receipt = send(mine)
    assert_conflict(receipt, **{"n-title": "Cheese"})
    assert Note.objects.get().title == "Cheese"
    told = receipt.as_json()
    assert told["current"] == receipt.current
    assert json.loads(json.dumps(told["current_fields"])) == {"n-title": [["n-title", "Cheese"]]}
    assert told["untouched"] == ([] if change["title"] == "Bread" else ["n-title"]), "Milk is what the page had shown"
    # As the page would say it that is rendered now: sent again with it, the person has decided.
    edited.refresh_from_db()
    assert receipt.version == attributes("edit", edited)["base-version"]
    decided = again(mine)
    decided.base_version = receipt.version
    assert send(decided).status == "accepted"
    assert Note.objects.get().title == dict(mine.fields)["n-title"]


def test_what_the_form_does_not_edit_may_change(edited: Note) -> None:
    mine = edit(edited, title="Bread")
    Note.objects.update(slug="milk")
    assert send(mine).status == "accepted"


def test_the_same_change_by_two_is_none(edited: Note) -> None:
    mine = edit(edited, title="Bread")
    Note.objects.update(title="Bread")
    assert send(mine).status == "accepted"


def test_a_file_that_has_been_exchanged_is_a_conflict(edited: Note) -> None:
    mine = edit(edited)
    mine.files = [file(b"mine", field="n-attachment")]
    Note.objects.update(attachment="b.txt")
    assert_conflict(send(mine), **{"n-attachment": "b.txt"})


def test_p5_nothing_of_what_is_invalid_is_told_as_a_conflict(edited: Note) -> None:
    mine = edit(edited, title="")
    Note.objects.update(title="Cheese")
    assert send(mine).errors == {"n-title": [{"message": "This field is required.", "code": "required"}]}


def test_what_is_gone_is_refused(edited: Note) -> None:
    mine = edit(edited, title="Bread")
    Note.objects.all().delete()
    assert (send(mine).status, Note.objects.count()) == ("rejected", 0)


@pytest.mark.parametrize("version", ["", "7", "[]", "{", "[" * 100000])
def test_a_version_that_is_none_is_a_conflict_if_there_is_a_difference(edited: Note, version: str) -> None:
    mine, same = edit(edited, title="Bread"), edit(edited)
    mine.base_version = same.base_version = version
    assert_conflict(send(mine), **{"n-title": "Milk"})
    assert send(same).status == "accepted"


def test_without_a_version_the_last_one_wins_as_online(edited: Note) -> None:
    mine = edit(edited, title="Bread")
    mine.base_version = None
    Note.objects.update(title="Cheese")
    assert send(mine).status == "accepted"
    assert Note.objects.get().title == "Bread"


def test_what_is_related_to_many_is_compared_as_a_set(db: None) -> None:
    groups = [Group.objects.create(name=name) for name in ("b", "a")]
    user = User.objects.create(username="anna")
    user.groups.set(groups)
    said = attributes("groups", user)
    fields = [("n-username", "anna"), *(("n-groups", str(group.pk)) for group in groups[:1])]
    mine = IncomingSubmission(
        id=note().id, form="groups", fields=fields, target=said["target"], base_version=said["base-version"]
    )
    Group.objects.filter(name="b").update(name="c")
    assert send(again(mine)).status == "accepted"
    other = IncomingSubmission(
        id=note().id, form="groups", fields=fields[:1], target=said["target"], base_version=said["base-version"]
    )
    assert_conflict(send(other), **{"n-groups": "c"})


def test_a_handler_may_merge_by_itself(edited: Note) -> None:
    mine = edit(edited, form="merge", body="mine", day="2026-03-06")
    Note.objects.update(title="Cheese", body="theirs", day=date(2026, 3, 9))
    assert send(mine).status == "accepted"
    saved = Note.objects.get()
    assert (saved.title, saved.body, saved.day) == ("Cheese", "theirs+mine-one", date(2026, 3, 9))
    assert saved.moment == edited.moment.replace(microsecond=0)


def test_what_a_merge_leaves_open_is_theirs_where_nothing_was_written_and_otherwise_a_conflict(edited: Note) -> None:
    both, one = edit(edited, form="merge", title="by hand"), edit(edited, form="merge", title="by hand")
    Note.objects.update(title="Cheese", body="theirs")
    assert_conflict(send(both), **{"n-title": "Cheese", "n-body": "theirs"})
    Note.objects.update(title="Milk")
    assert send(one).status == "accepted"
    assert (Note.objects.get().title, Note.objects.get().body) == ("by hand", "theirs")


def test_a_hidden_initial_value_is_not_believed(edited: Note) -> None:
    said = attributes("hidden", edited)
    fields = [("title", "Bread"), ("day", "2026-03-04"), ("initial-day", "2026-03-04")]
    mine = IncomingSubmission(
        id=note().id, form="hidden", fields=fields, target=said["target"], base_version=said["base-version"]
    )
    Note.objects.update(day=date(2026, 3, 5))
    assert_conflict(send(mine), day="March 5, 2026")


def test_what_the_form_does_not_understand_any_more_is_a_conflict(edited: Note) -> None:
    mine = edit(edited, form="merge", title="Bread")
    mine.base_version = json.dumps({"n-title": "Milk", "n-day": {"odd": 5}})
    Note.objects.update(title="Cheese")
    assert_conflict(send(mine), **{"n-title": "Cheese"})


def test_initial_values_that_a_form_sets_itself_are_seen(edited: Note) -> None:
    said = attributes("own initial", edited)
    assert json.loads(said["base-version"]) == {"title": "Milk"}


def test_what_get_object_has_set_is_saved(edited: Note) -> None:
    assert send(edit(edited, form="stamped", title="Bread")).status == "accepted"
    assert Note.objects.get().slug == "stamped"


def test_after_a_plain_post_the_version_is_what_is_there(edited: Note) -> None:
    request = RequestFactory().post("/notes/edit/")
    request.user = AnonymousUser()
    edited.title = "what was posted"
    page = Template("{% load offlinesync %}<form {% offline_form 'edit' object=object %}>")
    text = unescape(page.render(Context({"request": request, "object": edited})))
    assert '"n-title":"Milk"' in text


def test_a_conflict_is_announced_as_what_the_person_has_to_act_on(edited: Note) -> None:
    heard = []

    def listen(**said: Any) -> None:
        heard.append((said["sender"], said["code"], said["errors"]))

    mine = edit(edited, title="Bread")
    Note.objects.update(title="Cheese")
    submission_rejected.connect(listen)
    try:
        send(mine)
    finally:
        submission_rejected.disconnect(listen)
    assert heard == [(EditHandler, "conflict", None)]


def test_no_page_carries_the_hash_of_a_password(db: None) -> None:
    user = User.objects.create_user("anna", password="secret")
    assert set(json.loads(attributes("account", user)["base-version"])) == {"email"}
    said = attributes("account", user)
    fields = [("email", "anna@example.org"), ("password", "other")]
    mine = IncomingSubmission(
        id=note().id, form="account", fields=fields, target=said["target"], base_version=said["base-version"]
    )
    user.set_password("changed meanwhile")
    user.save()
    assert send(mine).status == "accepted"


def test_a_form_that_is_of_no_model_edits_as_well(edited: Note) -> None:
    said = attributes("plain form", edited)
    assert json.loads(said["base-version"]) == {"title": "Milk"}
    mine = IncomingSubmission(
        id=note().id,
        form="plain form",
        fields=[("title", "Bread")],
        target=said["target"],
        base_version=said["base-version"],
    )
    Note.objects.update(title="Cheese")
    assert_conflict(send(mine), title="Cheese")


def test_what_the_visitor_may_not_edit_is_a_plain_form(edited: Note) -> None:
    gone = Note(pk=99, title="Gone")
    assert attributes("edit", gone) == {}


def test_a_handler_that_edits_nothing_says_what_to_write(edited: Note) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"write get_object\(submission\)"):
        attributes("new", edited)
    with pytest.raises(TemplateSyntaxError, match="Leave object= out"):
        attributes("plain", edited)


def settle(submission: IncomingSubmission, together: Barrier) -> Receipt:
    """What becomes of it when it is sent until the site knows, with a connection of its own."""
    together.wait()
    try:
        while (receipt := send(again(submission))).status == "deferred":
            pass
    finally:
        connections.close_all()
    return receipt


@pytest.mark.django_db(transaction=True)
def test_p2_e1_of_those_who_edit_at_once_one_is_saved_and_the_others_are_told(edited: Note) -> None:
    mine = [edit(edited, title=f"Title {number}") for number in range(WRITERS)]
    together = Barrier(WRITERS)
    with ThreadPoolExecutor(WRITERS) as pool:
        receipts = list(pool.map(lambda submission: settle(submission, together), mine))
    assert sorted(receipt.status for receipt in receipts) == ["accepted"] + ["conflict"] * (WRITERS - 1)
    ((saved,),) = [item.fields[0][1:] for item, receipt in zip(mine, receipts, strict=True) if receipt.result]
    assert Note.objects.get().title == saved
    assert {receipt.current["n-title"] for receipt in receipts if receipt.current} == {saved}
