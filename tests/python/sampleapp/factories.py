"""Submissions as a device would send them."""

import time
import uuid
from types import EllipsisType
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile

from offlinesync.ingestion import ingest
from offlinesync.submissions import IncomingSubmission, Receipt, SubmittedFile


def uuid7() -> uuid.UUID:
    """An id as a device makes it: the time, then random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random_bits = uuid.uuid4().int
    value = (milliseconds & (2**48 - 1)) << 80 | random_bits & (2**80 - 1)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def note(
    title: str = "A note", *, form: str = "note", id: uuid.UUID | None = None, **options: Any
) -> IncomingSubmission:
    """A submission of the note form; what is no option of a submission is a field."""
    known = {"captured_at", "files", "data", "language", "time_zone", "target", "group", "base_version", "refs"}
    fields = {"title": title, **{name: value for name, value in options.items() if name not in known}}
    return IncomingSubmission(
        id=id or uuid7(),
        form=form,
        fields=list(fields.items()),
        **{name: value for name, value in options.items() if name in known},
    )


def again(submission: IncomingSubmission) -> IncomingSubmission:
    """The same entry, sent once more."""
    return IncomingSubmission(
        **{
            name: getattr(submission, name)
            for name in (
                "id",
                "form",
                "captured_at",
                "fields",
                "files",
                "data",
                "language",
                "time_zone",
                "target",
                "group",
                "base_version",
                "refs",
            )
        }
    )


def file(
    content: bytes = b"content",
    *,
    received: bytes | EllipsisType | None = ...,
    name: str = "a.txt",
    field: str = "attachment",
    type: str = "text/plain",
    size: int | None = None,
) -> SubmittedFile:
    """A file that has arrived in full, unless the options say otherwise."""
    if received is ...:
        received = content
    return SubmittedFile(
        field=field,
        name=name,
        type=type,
        size=len(content) if size is None else size,
        content=None if received is None else SimpleUploadedFile("part", received),
    )


def send(submission: IncomingSubmission, user: AbstractBaseUser | None = None) -> Receipt:
    """Bring in one submission; without a user as an anonymous visitor's."""
    (receipt,) = ingest([submission], user=user or AnonymousUser())
    return receipt
