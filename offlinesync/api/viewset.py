"""Where devices deliver."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import UploadedFile
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import ViewSet

from ..conf import app_settings
from ..ingestion import ingest
from ..submissions import IncomingSubmission, Receipt, SubmittedFile, owner_of
from ..viewrequest import environ_of
from .exceptions import NotAuthenticated, OwnerChanged, TooLarge
from .parsers import JSONBatchParser, MultiPartBatchParser, Payload
from .policy import ProtocolMixin
from .serializers import validate_batch


class SubmissionViewSet(ProtocolMixin, ViewSet):
    """Takes a batch and answers with a receipt for each submission, in the same order.

    Every limit is checked before any query, and every failure answered in JSON (row C8).
    """

    http_method_names = ["post"]
    parser_classes = [JSONBatchParser, MultiPartBatchParser]

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Bring in a batch."""
        payload = self.parse(request)
        batch = validate_batch(payload.batch)
        check_size(payload, batch["submissions"])
        user = self.get_submitter(request, batch["owner"])
        self.throttle_submissions(request, len(batch["submissions"]))
        environ = environ_of(request._request)
        submissions = [incoming(values, payload.files, user, environ) for values in batch["submissions"]]
        receipts = self.perform_ingest(submissions)
        return Response({"receipts": [receipt.as_json() for receipt in receipts]})

    def perform_ingest(self, submissions: list[IncomingSubmission]) -> list[Receipt]:
        """Bring in the submissions of one owner. Override it to watch or to change them."""
        return ingest(submissions, user=submissions[0].user)

    def parse(self, request: Request) -> Payload:
        """Read the body with the parser of its media type."""
        parser = request.negotiator.select_parser(request, request.parsers)
        if parser is None:
            raise UnsupportedMediaType(request.content_type)
        return parser.parse(request._request, request.content_type, request.parser_context)

    def get_submitter(self, request: Request, owner: str | None) -> AbstractBaseUser | AnonymousUser:
        """The user the batch is brought in for: its owner, or nobody at all (rows D1, D2).

        A batch without an owner is an anonymous visitor's, whoever is signed in now.
        """
        if owner is None:
            return AnonymousUser()
        if not request.user.is_authenticated:
            raise NotAuthenticated
        if owner_of(request.user) != owner:
            raise OwnerChanged
        return request.user

    def get_throttles(self) -> list[BaseThrottle]:
        """The throttles of the class and of the setting ``THROTTLE_CLASSES``."""
        return [throttle() for throttle in (*self.throttle_classes, *app_settings.THROTTLE_CLASSES)]

    def check_throttles(self, request: Request) -> None:
        """Nothing yet: throttles count submissions, which nobody has read at this point."""

    def throttle_submissions(self, request: Request, count: int) -> None:
        """Ask the throttles once for each submission, as if each were a request."""
        throttles = self.get_throttles()
        for _ in range(count):
            waits = [throttle.wait() for throttle in throttles if not throttle.allow_request(request, self)]
            if waits:
                self.throttled(request, max((wait for wait in waits if wait is not None), default=None))


def check_size(payload: Payload, submissions: list[dict[str, Any]]) -> None:
    """One submission may be as large as a site allows; several together no larger than JSON."""
    parts = {file["part"] for submission in submissions for file in submission["files"]}
    size = payload.json_size + sum(file.size for part, file in payload.files.items() if part in parts)
    limit = app_settings.MAX_SUBMISSION_BYTES if len(submissions) == 1 else app_settings.MAX_BYTES
    if payload.json_size > app_settings.MAX_BYTES or size > limit:
        raise TooLarge(f"{len(submissions)} submissions are longer than {limit} bytes with their files. Send less.")


def incoming(
    values: Mapping[str, Any],
    files: Mapping[str, UploadedFile],
    user: AbstractBaseUser | AnonymousUser,
    environ: Mapping[str, str],
) -> IncomingSubmission:
    """The submission as the ingestion takes it."""
    submitted = [submitted_file(file, files.get(file["part"])) for file in values["files"]]
    return IncomingSubmission(**{**values, "files": submitted, "user": user, "environ": environ})


def submitted_file(values: Mapping[str, Any], content: UploadedFile | None) -> SubmittedFile:
    """What the device says of a file, beside what has arrived of it."""
    return SubmittedFile(
        field=values["field"],
        name=values["name"],
        type=values["type"],
        size=values["size"],
        content=content,
        sha256=None if content is None else sha256(content.chunks()),
    )


def sha256(chunks: Iterable[bytes]) -> str:
    """The SHA-256 in hexadecimal digits."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()
