"""A copy that somebody has kept of what waited on their device, as the page writes it: ``Save a copy as a file``.

The file is a claim, like everything that comes from a device. It goes through the ingestion as a delivery would, so
that what has arrived already, or arrives from the device later, happens once (P3).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile

from .api.serializers import SubmissionSerializer, first_error
from .conf import app_settings
from .ingestion import ingest
from .submissions import IncomingSubmission, Receipt, SubmittedFile

# Of the files that this release reads.
FORMAT = 1
MISSING_KEYS = "It was written by an earlier release, which left out what the site needs: let it be saved anew."


class BadCopy(Exception):
    """The file cannot be taken in; the message says why, and what to do."""


@dataclass(frozen=True)
class Copy:
    """What stands in a file: one owner's entries, in the order they were saved."""

    owner: str
    entries: list[Any]


def read_copy(text: str | bytes) -> Copy:
    """The copy in a file. Raises ``BadCopy``."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadCopy(
            f"This is no JSON ({error}): the file is damaged, or another one. Choose the one that the page has saved."
        ) from error
    if not isinstance(found, dict) or not isinstance(found.get("entries"), list):
        raise BadCopy("This is no copy of entries: choose the file that the page has saved.")
    if found.get("format") is None:
        raise BadCopy(MISSING_KEYS)
    if found["format"] != FORMAT or not isinstance(found.get("owner"), str):
        raise BadCopy(
            f"This release reads copies of format {FORMAT}, and this is {found['format']!r}: update the package."
        )
    return Copy(found["owner"], found["entries"])


def submission_of(entry: Any, user: AbstractBaseUser | AnonymousUser) -> IncomingSubmission:
    """The entry as its delivery would bring it. Raises ``BadCopy``."""
    if not isinstance(entry, dict):
        raise BadCopy("An entry is no object.")
    listed = entry.get("files") if isinstance(entry.get("files"), list) else []
    files = [{**file, "part": f"f{index}"} for index, file in enumerate(listed) if isinstance(file, dict)]
    known = {key: value for key, value in entry.items() if value is not None}
    serializer = SubmissionSerializer(data={**known, "files": files})
    if not serializer.is_valid():
        raise BadCopy(first_error(serializer.errors))
    values = serializer.validated_data
    submitted = [_file(file, said.get("base64")) for file, said in zip(values["files"], files, strict=True)]
    return IncomingSubmission(**{**values, "files": submitted, "user": user})


def _file(values: Mapping[str, Any], content: Any) -> SubmittedFile:
    try:
        data = None if content is None else base64.b64decode(content, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise BadCopy(f"The file {values['name']!r} is damaged ({error}).") from error
    upload = None if data is None else SimpleUploadedFile(values["name"] or "file", data, values["type"])
    said = {key: values[key] for key in ("field", "name", "type", "size")}
    return SubmittedFile(**said, content=upload)


def take_in(
    submissions: Sequence[IncomingSubmission], user: AbstractBaseUser | AnonymousUser
) -> Iterator[tuple[IncomingSubmission, Receipt | None]]:
    """Bring in what one owner has kept; None: an earlier one of its group has not been taken in.

    If the database is away, its error is raised, and what has not been told of is not known.
    """
    broken: set[str] = set()
    for start in range(0, len(submissions), app_settings.MAX_SUBMISSIONS):
        batch = submissions[start : start + app_settings.MAX_SUBMISSIONS]
        free = [each for each in batch if each.group is None or each.group not in broken]
        receipts = {receipt.id: receipt for receipt in (ingest(free, user=user) if free else [])}
        for submission in batch:
            receipt = receipts.get(submission.id)
            if submission.group is not None and (receipt is None or receipt.status != "accepted"):
                broken.add(submission.group)
            yield submission, receipt
