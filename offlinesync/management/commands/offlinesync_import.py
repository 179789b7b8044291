"""Take in what somebody has kept as a file, because their device cannot deliver it any more (row A9)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from offlinesync.copies import BadCopy, Copy, read_copy, submission_of, take_in
from offlinesync.submissions import IncomingSubmission, Receipt

ANONYMOUS = "anonymous"


class Command(BaseCommand):
    """Each entry is validated and saved by its form's handler, once, whether the device delivers it as well or not."""

    help = (
        "Take in the entries of a file that a visitor has saved on the page that lists them. The file is a claim: "
        "whose entries it may bring in is for you to say, once you know that it is theirs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The file, and for whom."""
        parser.add_argument("file", type=Path, help="The file that the page has saved, kept-on-this-device.json.")
        parser.add_argument(
            "--owner",
            metavar="KEY",
            action="append",
            required=True,
            help=f"The key of a user whose entries may come in, or {ANONYMOUS} for those of nobody; can be repeated.",
        )
        parser.add_argument("--dry-run", action="store_true", help="Say what is in the file, and take in nothing.")

    def handle(self, *args: Any, file: Path, owner: list[str], dry_run: bool, **options: Any) -> None:
        """Take them in, and say of each what has become of it."""
        try:
            copy = read_copy(file.read_bytes())
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except BadCopy as error:
            raise CommandError(f"{file}: {error}") from error
        user = allowed_user(copy, owner)
        submissions = self.readable(copy, user)
        if dry_run:
            self.stdout.write(f"{len(submissions)} of {len(copy.entries)} entries could be taken in.")
            return
        counts: Counter[str] = Counter()
        for submission, receipt in take_in(submissions, user):
            kind, said = told(receipt)
            counts[kind] += 1
            self.stdout.write(f"{submission.id} {submission.form}: {said}")
        taken = counts["accepted"] + counts["replayed"]
        missing = len(copy.entries) - taken
        self.stdout.write(f"{counts['accepted']} taken in, {counts['replayed']} here already, {missing} not.")
        if missing:
            raise CommandError(
                "Not all of it is here. Mend what the lines above speak of, and run the command again: nothing is "
                "taken in twice."
            )

    def readable(self, copy: Copy, user: AbstractBaseUser | AnonymousUser) -> list[IncomingSubmission]:
        """The entries that can be read; the others are told of."""
        found: dict[Any, IncomingSubmission] = {}
        for number, entry in enumerate(copy.entries, start=1):
            try:
                submission = submission_of(entry, user)
                if submission.id in found:
                    raise BadCopy(f"Its id {submission.id} stands in the file already.")
                found[submission.id] = submission
            except BadCopy as error:
                self.stderr.write(f"Entry {number} is damaged: {error}")
        return list(found.values())


def allowed_user(copy: Copy, owners: list[str]) -> AbstractBaseUser | AnonymousUser:
    """Whose entries the file holds, if they may come in."""
    if (copy.owner or ANONYMOUS) not in owners:
        whose = f"the user with the key {copy.owner}" if copy.owner else "nobody who was signed in"
        raise CommandError(
            f"The file holds entries of {whose}. If you know that it is theirs, say so with --owner "
            f"{copy.owner or ANONYMOUS}."
        )
    if not copy.owner:
        return AnonymousUser()
    try:
        user = get_user_model()._default_manager.filter(pk=copy.owner).first()
    except (ValueError, ValidationError):
        user = None
    if user is None or not user.is_active:
        raise CommandError(f"There is no active user with the key {copy.owner}: the entries belong to nobody here.")
    return user


def told(receipt: Receipt | None) -> tuple[str, str]:
    """What has become of an entry, for the counts and in words."""
    if receipt is None:
        return "group", "not yet, because an earlier one of its group has not been taken in"
    if receipt.status == "accepted":
        return ("replayed", "is here already") if receipt.replayed else ("accepted", "taken in")
    if receipt.status == "rejected":
        found = (receipt.errors or {}).items()
        errors = [f"{name}: {item['message']}" for name, items in found for item in items]
        return "rejected", f"refused ({'; '.join(errors) or receipt.code})"
    if receipt.status == "conflict":
        return "conflict", "what it is about has been changed by somebody else since"
    return "deferred", f"not now ({receipt.code})"
