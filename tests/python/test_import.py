"""``offlinesync_import``: what somebody has kept as a file comes in once, for whom the command is told (row A9)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from offlinesync.models import Submission
from offlinesync.submissions import IncomingSubmission, owner_of

from .ingesting import ANONYMOUS, outcomes, send, titles
from .sampleapp.factories import file, note
from .sampleapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)

Write = Callable[..., Path]


def entry_of(submission: IncomingSubmission, **changes: Any) -> dict[str, Any]:
    """The entry as the page writes it into the file."""
    kept = ("form", "language", "time_zone", "target", "group", "base_version", "refs", "data")
    files = [
        {
            "field": each.field,
            "name": each.name,
            "type": each.type,
            "size": each.size,
            "base64": base64.b64encode(each.open().read()).decode(),
        }
        for each in submission.files
    ]
    return {
        **{name: getattr(submission, name) for name in kept},
        **{"id": str(submission.id), "page": "/", "captured_at": "2026-11-28T17:00:00.000Z", "labels": {}},
        **{"fields": [list(pair) for pair in submission.fields], "files": files, "receipt": None, "trouble": "failed"},
        **changes,
    }


@pytest.fixture
def user(django_user_model: type[User]) -> User:
    return django_user_model.objects.create(username="u")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(*entries: Any, owner: str = "", **changes: Any) -> Path:
        head = {"format": 1, "site": "https://example.org", "owner": owner, "written_at": "2026-11-28T18:00:00.000Z"}
        path = tmp_path / "kept-on-this-device.json"
        path.write_text(json.dumps({**head, "entries": list(entries), **changes}))
        return path

    return write


def take_in(path: Path, *owners: str, dry_run: bool = False) -> list[str]:
    """The lines that the command writes; what it raises has them in front."""
    out = StringIO()
    arguments = [part for owner in owners for part in ("--owner", owner)]
    try:
        call_command(
            "offlinesync_import", str(path), *arguments, *(["--dry-run"] if dry_run else []), stdout=out, stderr=out
        )
    except CommandError as error:
        raise CommandError(f"{out.getvalue()}{error}") from error
    return out.getvalue().splitlines()


@pytest.mark.parametrize("signed_in", [True, False])
def test_p3_it_happens_once_whoever_is_first(write: Write, user: User, signed_in: bool) -> None:
    sender = user if signed_in else ANONYMOUS
    owner = owner_of(sender)
    before, kept = note("Came from the device"), note("Only in the file", files=[file()], language="de", group="a")
    send(before, user=sender)
    path = write(entry_of(before), entry_of(kept), owner=owner)
    assert take_in(path, owner or "anonymous") == [
        f"{before.id} note: is here already",
        f"{kept.id} note: taken in",
        "1 taken in, 1 here already, 0 not.",
    ]
    assert titles() == ["Came from the device", "Only in the file"]
    assert Note.objects.get(title="Only in the file").attachment.read() == file().open().read()
    # The device is found after all.
    (receipt,) = send(kept, user=sender)
    assert (receipt.status, receipt.replayed) == ("accepted", True)
    assert take_in(path, owner or "anonymous")[-1] == "0 taken in, 2 here already, 0 not."
    assert Note.objects.count() == 2
    assert {row.owner for row in Submission.objects.all()} == {owner}


def test_p4_only_for_whom_the_command_is_told(write: Write, user: User, django_user_model: type[User]) -> None:
    other = django_user_model.objects.create(username="other")
    path = write(entry_of(note("Theirs")), owner=str(user.pk))
    for owners in ([str(other.pk)], ["anonymous"]):
        with pytest.raises(CommandError, match=f"the user with the key {user.pk}.*--owner {user.pk}"):
            take_in(path, *owners)
    assert take_in(path, str(other.pk), str(user.pk))[-1] == "1 taken in, 0 here already, 0 not."
    assert Submission.objects.get().owner == str(user.pk)

    with pytest.raises(CommandError, match="nobody who was signed in.*--owner anonymous"):
        take_in(write(entry_of(note("Nobody's"))), str(user.pk))


@pytest.mark.parametrize("key", ["0", "no key", "999999999999999999999999", "inactive"])
def test_p4_nothing_comes_in_for_somebody_who_is_not_there(write: Write, user: User, key: str) -> None:
    if key == "inactive":
        key = str(user.pk)
        User.objects.update(is_active=False)
    with pytest.raises(CommandError, match=f"There is no active user with the key {key}"):
        take_in(write(entry_of(note()), owner=key), key)
    assert not titles()


def test_what_is_not_taken_in_says_why_and_the_rest_is(write: Write) -> None:
    refused, later, fine = note("", group="a"), note("Later", group="a"), note("Fine")
    path = write(entry_of(refused), entry_of(later), "no entry", entry_of(fine), entry_of(fine))
    with pytest.raises(CommandError) as raised:
        take_in(path, "anonymous")
    assert str(raised.value).splitlines() == [
        "Entry 3 is damaged: An entry is no object.",
        f"Entry 5 is damaged: Its id {fine.id} stands in the file already.",
        f"{refused.id} note: refused (title: This field is required.)",
        f"{later.id} note: not now (group)",
        f"{fine.id} note: taken in",
        "1 taken in, 0 here already, 4 not.",
        "Not all of it is here. Mend what the lines above speak of, and run the command again: "
        "nothing is taken in twice.",
    ]
    assert titles() == ["Fine"]


def test_p6_a_group_is_held_up_over_all_of_the_file(write: Write, settings: Any) -> None:
    settings.OFFLINESYNC = {"MAX_SUBMISSIONS": 1}
    refused, later, fine = note("", group="a"), note("Later", group="a"), note("Fine", group="b")
    with pytest.raises(CommandError, match=f"{later.id} note: not yet, because an earlier one of its group"):
        take_in(write(*map(entry_of, (refused, later, fine))), "anonymous")
    assert titles() == ["Fine"]


DAMAGED = {
    "id": ({"id": "1"}, "id: This must be a UUIDv7"),
    "fields": ({"fields": [["title"]]}, "fields: This must be a list of pairs"),
    "file": (
        {"files": [{"field": "f", "name": "a", "type": "", "size": 1, "base64": "*"}]},
        "The file 'a' is damaged",
    ),
    "bytes": ({"files": [{"field": "f", "name": "a", "type": "", "size": 1, "base64": 7}]}, "The file 'a' is damaged"),
}


@pytest.mark.parametrize("what", list(DAMAGED))
def test_a_damaged_entry_is_named_and_nothing_of_it_comes_in(write: Write, what: str) -> None:
    changes, said = DAMAGED[what]
    with pytest.raises(CommandError, match=f"Entry 1 is damaged: {said}"):
        take_in(write(entry_of(note(), **changes)), "anonymous")
    assert not titles()


def test_a_file_that_the_device_could_not_read_is_waited_for(write: Write) -> None:
    entry = entry_of(note(files=[file()]))
    entry["files"][0]["base64"] = None
    with pytest.raises(CommandError, match=r"not now \(incomplete_file\)"):
        take_in(write(entry), "anonymous")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff", "This is no JSON"),
        (b"[" * 100_000, "This is no JSON"),
        (b"[]", "This is no copy of entries"),
        (b'{"entries": []}', "written by an earlier release"),
        (b'{"entries": [], "format": 2, "owner": ""}', "reads copies of format 1, and this is 2: update"),
        (b'{"entries": [], "format": 1}', "reads copies of format 1"),
    ],
)
def test_another_file_is_refused_with_what_to_do(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "another.json"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=said):
        take_in(path, "anonymous")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="none.json cannot be read: No such file"):
        take_in(tmp_path / "none.json", "anonymous")


def test_a_dry_run_takes_in_nothing(write: Write) -> None:
    path = write(entry_of(note()), "no entry")
    assert take_in(path, "anonymous", dry_run=True) == [
        "Entry 2 is damaged: An entry is no object.",
        "1 of 2 entries could be taken in.",
    ]
    assert not titles()
    assert outcomes(send(note())) == ["accepted"]
