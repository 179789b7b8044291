"""Files that arrive in parts, so that one that was cut off goes on where it was (row E4).

They lie in the ledger's database until their submission is accepted: every process of the site sees it, and no web
server gives away what lies there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, router, transaction
from django.db.models import Max, QuerySet, Sum
from django.utils import timezone

from .conf import app_settings
from .models import FilePart, Submission

# So many at once: whoever uploads does not wait long for the cleaning up.
EXPIRED_AT_ONCE = 20


class Full(Exception):
    """The owner has more waiting than the site allows."""


@dataclass(frozen=True, slots=True)
class PartialFile:
    """One file of a submission, by its owner, the submission's id and its own SHA-256."""

    owner: str
    submission_id: UUID
    sha256: str

    def arrived(self) -> int:
        """How many bytes are there, from the beginning without a gap."""
        return sum(size for _, size in self._chain())

    def add(self, offset: int, content: bytes) -> int:
        """Keep what comes next, and say how many bytes are there then; what is there already changes nothing."""
        end = self.arrived()
        if offset != end or not content:
            return end
        if end == 0:
            remove_expired()
        alias = router.db_for_write(FilePart)
        part = FilePart(
            owner=self.owner,
            submission_id=self.submission_id,
            sha256=self.sha256,
            offset=offset,
            size=len(content),
            content=content,
        )
        try:
            with transaction.atomic(using=alias):
                part.save(using=alias, force_insert=True)
        except IntegrityError:
            # Another tab has brought the same one.
            return self.arrived()
        return end + len(content)

    def make_room(self, size: int) -> None:
        """Raise ``Full`` where too much of the owner would wait with so many more. What is too old goes first."""
        if self._is_full_with(size):
            remove_expired()
            if self._is_full_with(size):
                raise Full

    def _is_full_with(self, size: int) -> bool:
        return waiting_bytes(self.owner) + size > app_settings.UPLOADS["MAX_BYTES"]

    def chunks(self) -> Iterator[bytes]:
        """The content, a part at a time: no more than that is in memory."""
        for key, _ in self._chain():
            # One by one: drivers fetch the rows of a query all at once.
            yield from (bytes(content) for content in self._rows().filter(pk=key).values_list("content", flat=True))

    def discard(self) -> None:
        """Throw away what is there."""
        delete(self._rows())

    def _chain(self) -> list[tuple[int, int]]:
        """Key and size of the rows from the beginning on, each where the one before ends."""
        chain = []
        end = 0
        for key, offset, size in self._rows().order_by("offset").values_list("pk", "offset", "size"):
            if offset > end:
                break
            # What an earlier upload has left there, with parts of another size, counts for nothing.
            if offset == end:
                chain.append((key, size))
                end += size
        return chain

    def _rows(self) -> QuerySet[FilePart]:
        return parts().filter(owner=self.owner, submission_id=self.submission_id, sha256=self.sha256)


def is_accepted(owner: str, submission_id: UUID) -> bool:
    """Whether the ledger has the submission, so that nothing more of it need be sent."""
    ledger = Submission.objects.using(router.db_for_write(Submission))
    return ledger.filter(owner=owner, submission_id=submission_id).exists()


def discard(owner: str, submission_ids: list[UUID]) -> None:
    """Throw away the parts of submissions that are settled."""
    delete(parts().filter(owner=owner, submission_id__in=submission_ids))


def delete(rows: QuerySet[FilePart]) -> None:
    """Delete the rows and do not read their content, as Django would where somebody listens to all deletions."""
    rows.defer("content").delete()


def waiting_bytes(owner: str) -> int:
    """How many bytes of an owner's files wait for their submission."""
    return parts().filter(owner=owner).aggregate(total=Sum("size"))["total"] or 0


def remove_expired(most: int | None = EXPIRED_AT_ONCE) -> int:
    """Throw away the files of which nothing has come for ``UPLOADS["MAX_AGE"]`` seconds; how many there were."""
    files = parts().order_by().values_list("owner", "submission_id", "sha256").annotate(last=Max("received_at"))
    before = timezone.now() - timedelta(seconds=app_settings.UPLOADS["MAX_AGE"])
    expired = [PartialFile(*key) for *key, _ in files.filter(last__lt=before)[:most]]
    for file in expired:
        file.discard()
    return len(expired)


def parts() -> QuerySet[FilePart]:
    """All parts, in the database that is written to: a replica may not have the last of them yet."""
    return FilePart.objects.using(router.db_for_write(FilePart))
