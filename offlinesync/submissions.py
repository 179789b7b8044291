"""What goes into the ingestion and what comes out: plain data, no HTTP."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import uuid
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

# Names the way a digest is made, so that a later version can make the same one.
DIGEST_PREFIX = "1:"


def owner_of(user: AbstractBaseUser | AnonymousUser) -> str:
    """The owner as the ledger writes it: empty for an anonymous visitor."""
    return str(user.pk) if user.is_authenticated else ""


class ReusableUpload(UploadedFile):
    """An uploaded file whose content outlives whoever closes it: a handler may run twice."""

    def close(self) -> None:
        """Leave the content open: it belongs to the submission."""


class ReusableTemporaryUpload(ReusableUpload):
    """One that lies on the disk, so that Django's image field need not read it into memory."""

    _copy: str | None = None

    def temporary_file_path(self) -> str:
        """The path of a copy, which a storage may move away; what it leaves goes with this object."""
        if self._copy is None or not os.path.exists(self._copy):
            descriptor, self._copy = tempfile.mkstemp(suffix=".upload", dir=settings.FILE_UPLOAD_TEMP_DIR)
            weakref.finalize(self, remove_if_there, self._copy)
            with open(descriptor, "wb") as copy, open(self.file.name, "rb") as content:
                shutil.copyfileobj(content, copy)
        return self._copy


def remove_if_there(path: str) -> None:
    """Remove a file that somebody may have moved away."""
    Path(path).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class SubmittedFile:
    """One file of a submission: what the device says, and what arrived."""

    field: str
    name: str
    type: str
    size: int
    # None: the part did not arrive.
    content: UploadedFile | None = None
    # Of the content, or of one that is not there as the device says.
    sha256: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether as many bytes arrived as the device says it sent."""
        return self.content is not None and self.content.size == self.size

    @property
    def checksum(self) -> str | None:
        """The SHA-256 of the content in hexadecimal digits."""
        if self.sha256 is not None or self.content is None:
            return self.sha256
        self.content.seek(0)
        return hashlib.file_digest(self.content, "sha256").hexdigest()

    def open(self) -> ReusableUpload:
        """The content from its beginning, as a form expects it."""
        self.content.seek(0)
        upload_class = ReusableTemporaryUpload if hasattr(self.content, "temporary_file_path") else ReusableUpload
        return upload_class(
            file=self.content.file,
            name=self.name,
            content_type=self.type,
            size=self.content.size,
        )


@dataclass(slots=True)
class IncomingSubmission:
    """One entry of a device's outbox, as it came over the wire.

    Permission classes of Django REST framework take it in the request's place.
    """

    id: uuid.UUID
    form: str
    captured_at: datetime | None = None
    # Row C7: what reports errors shows the variables of a frame, and these are what people have written.
    fields: list[tuple[str, str]] = field(default_factory=list, repr=False)
    files: list[SubmittedFile] = field(default_factory=list, repr=False)
    data: dict[str, Any] | None = field(default=None, repr=False)
    language: str | None = None
    time_zone: str | None = None
    target: str | None = None
    group: str | None = None
    base_version: str | None = None
    #: The fields that may hold the id of an entry in the place of an object's key.
    refs: list[str] = field(default_factory=list)
    user: AbstractBaseUser | AnonymousUser = field(default_factory=AnonymousUser)
    #: Of the request that has brought it, what a view may ask for: the host, the address, the browser. No claim of the
    #: entry, and no part of its digest.
    environ: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    _digest: str | None = field(default=None, init=False, repr=False, compare=False)

    method: ClassVar[str] = "POST"

    @property
    def has_digest(self) -> bool:
        """Whether it can be told from another one: the bytes of every file are there, or their SHA-256 is claimed."""
        return all(file.is_complete or (file.content is None and file.sha256 is not None) for file in self.files)

    @property
    def digest(self) -> str:
        """What tells two payloads under one id apart. Frozen (row C3)."""
        if self._digest is None:
            self._digest = DIGEST_PREFIX + _sha256_of_json(self._payload())
        return self._digest

    @property
    def post(self) -> QueryDict:
        """The fields as ``request.POST`` would have held them."""
        post = QueryDict(mutable=True)
        for name, value in self.fields:
            post.appendlist(name, value)
        post._mutable = False
        return post

    @property
    def files_dict(self) -> MultiValueDict:
        """The files as ``request.FILES`` would have held them, to be read anew."""
        files = MultiValueDict()
        for file in self.files:
            files.appendlist(file.field, file.open())
        return files

    def _payload(self) -> dict[str, Any]:
        return {
            "form": self.form,
            "language": self.language,
            "time_zone": self.time_zone,
            "target": self.target,
            "base_version": self.base_version,
            "fields": [[name, value] for name, value in self.fields],
            "data": self.data,
            "files": [
                {
                    "field": file.field,
                    "name": file.name,
                    "type": file.type,
                    "size": file.size,
                    "sha256": file.checksum,
                }
                for file in self.files
            ],
        }


def _sha256_of_json(payload: dict[str, Any]) -> str:
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer for one submission."""

    id: uuid.UUID
    status: str
    code: str | None = None
    result: dict[str, Any] | None = None
    replayed: bool | None = None
    errors: dict[str, list[dict[str, str]]] | None = None
    retry_after: int | None = None
    current: Any = None
    current_fields: Any = None
    untouched: list[str] | None = None
    version: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The receipt as it stands on the wire, without what is not known."""
        values = {
            "id": str(self.id),
            "status": self.status,
            "code": self.code,
            "result": self.result,
            "replayed": self.replayed,
            "errors": self.errors,
            "retry_after": self.retry_after,
            "current": self.current,
            "current_fields": self.current_fields,
            "untouched": self.untouched,
            "version": self.version,
        }
        return {key: value for key, value in values.items() if value is not None}
