"""Take the contents out of old rows of the ledger, and leave what tells a replay from something new (row C5)."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import router
from django.db.models import Q, QuerySet
from django.utils import timezone

from offlinesync.models import Submission
from offlinesync.parts import remove_expired

# A statement for so many rows, and a transaction of its own: deliveries do not wait for long.
BATCH_SIZE = 1000
MOST_DAYS = 365 * 100


class Command(BaseCommand):
    """Clear ``result`` and ``user``; owner, id, digest and the object's key stay for ever.

    Parts of files whose submission has never come go once they are older than the site keeps them.
    """

    help = (
        "Clear the result and the user of ledger rows that are older than so many days. No row is removed: a "
        "submission that is sent again after years is still known, and has no second effect."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """How old, and whether to only look."""
        parser.add_argument(
            "--older-than", metavar="DAYS", type=days, required=True, help="Leave what was received in the last DAYS."
        )
        parser.add_argument("--dry-run", action="store_true", help="Say how many rows it would be, and change none.")

    def handle(self, *args: Any, older_than: timedelta, dry_run: bool, verbosity: int, **options: Any) -> None:
        """Prune, and say how much."""
        rows = unpruned(timezone.now() - older_than)
        count = rows.count() if dry_run else sum(prune(rows))
        if verbosity > 0:
            done = "would be cleared" if dry_run else "cleared"
            self.stdout.write(f"{count} submission{'' if count == 1 else 's'} {done}.")
        if not dry_run:
            remove_expired(most=None)


def days(text: str) -> timedelta:
    """A number of days as the command line gives it."""
    # Not 0: the devices that have sent something today may not have its receipt yet.
    if not (text.isascii() and text.isdigit() and len(text) < 9 and 0 < int(text) <= MOST_DAYS):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of days from 1 to {MOST_DAYS}.")
    return timedelta(days=int(text))


def unpruned(before: datetime) -> QuerySet[Submission]:
    """The rows received before this moment that still hold something to clear."""
    rows = Submission.objects.using(router.db_for_write(Submission))
    return rows.filter(Q(result__isnull=False) | Q(user__isnull=False), received_at__lt=before)


def prune(rows: QuerySet[Submission]) -> Iterator[int]:
    """Clear the rows by and by; yields how many each time."""
    last = 0
    while keys := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE]):
        # The moment and the rest are asked again, because only keys were read before.
        yield rows.filter(pk__in=keys).update(result=None, user=None)
        last = keys[-1]
