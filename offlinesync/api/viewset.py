"""Where devices deliver."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import UploadedFile
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import ViewSet

from ..conf import app_settings
from ..ingestion import ingest
from ..parts import discard, is_accepted
from ..registry import is_registered
from ..submissions import IncomingSubmission, Receipt, SubmittedFile, owner_of
from ..viewrequest import environ_of
from .exceptions import TooLarge
from .parsers import JSONBatchParser, MultiPartBatchParser, Payload
from .policy import ProtocolMixin, SubmitterMixin
from .serializers import validate_batch
from .uploads import assemble

logger = logging.getLogger("offlinesync")


class SubmissionViewSet(SubmitterMixin, ProtocolMixin, ViewSet):
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
        submissions = [incoming(request._request, values, payload.files, user) for values in batch["submissions"]]
        receipts = self.perform_ingest(submissions)
        with_files = {values["id"] for values in batch["submissions"] if values["files"]}
        settled = [receipt.id for receipt in receipts if receipt.status == "accepted" and receipt.id in with_files]
        if settled:
            self.discard_parts(owner_of(user), settled)
        return Response({"receipts": [receipt.as_json() for receipt in receipts]})

    def perform_ingest(self, submissions: list[IncomingSubmission]) -> list[Receipt]:
        """Bring in the submissions of one owner. Override it to watch or to change them."""
        return ingest(submissions, user=submissions[0].user)

    def discard_parts(self, owner: str, submission_ids: list[UUID]) -> None:
        """Throw away what has come in parts of submissions that are settled; what is left goes when it is old."""
        try:
            discard(owner, submission_ids)
        except (DatabaseError, InterfaceError) as error:
            # P1: the receipts of what is committed are not to be lost with it.
            logger.warning("Parts of accepted files are left for later: %s", type(error).__name__)

    def parse(self, request: Request) -> Payload:
        """Read the body with the parser of its media type."""
        parser = request.negotiator.select_parser(request, request.parsers)
        if parser is None:
            raise UnsupportedMediaType(request.content_type)
        return parser.parse(request._request, request.content_type, request.parser_context)

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
    files = [file for submission in submissions for file in submission["files"]]
    came = {file["part"]: payload.files[file["part"]].size for file in files if file["part"] in payload.files}
    size = payload.json_size + sum(came.values())
    size += sum(file["size"] for file in files if file["part"] not in came and file["sha256"] is not None)
    limit = app_settings.MAX_SUBMISSION_BYTES if len(submissions) == 1 else app_settings.MAX_BYTES
    if payload.json_size > app_settings.MAX_BYTES or size > limit:
        raise TooLarge(f"{len(submissions)} submissions are longer than {limit} bytes with their files. Send less.")


def incoming(
    request: HttpRequest,
    values: Mapping[str, Any],
    files: Mapping[str, UploadedFile],
    user: AbstractBaseUser | AnonymousUser,
) -> IncomingSubmission:
    """The submission as the ingestion takes it."""
    came = [(file, files.get(file["part"])) for file in values["files"]]
    is_wanted = any(file["sha256"] and part is None for file, part in came) and is_worth_assembling(values, user)
    submitted = []
    for file, part in came:
        if is_wanted and file["sha256"] and part is None:
            content, found = assemble(request, owner_of(user), values["id"], file), file["sha256"]
        else:
            content, found = part, None if part is None else sha256(part.chunks())
        submitted.append(submitted_file(file, content, found))
    return IncomingSubmission(**{**values, "files": submitted, "user": user, "environ": environ_of(request)})


def is_worth_assembling(values: Mapping[str, Any], user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether anything could come of it: to put files together is much work for a small request (row C8)."""
    most = settings.DATA_UPLOAD_MAX_NUMBER_FILES
    if not is_registered(values["form"]) or (most is not None and len(values["files"]) > most):
        return False
    return not is_accepted(owner_of(user), values["id"])


def submitted_file(values: Mapping[str, Any], content: UploadedFile | None, found: str | None) -> SubmittedFile:
    """What the device says of a file, beside what has arrived of it and its SHA-256."""
    claimed = values["sha256"]
    if claimed not in (None, found):
        # Row A6. By the claim it is still known if it was accepted before.
        content = None
    return SubmittedFile(
        field=values["field"],
        name=values["name"],
        type=values["type"],
        size=values["size"],
        content=content,
        sha256=claimed or found,
    )


def sha256(chunks: Iterable[bytes]) -> str:
    """The SHA-256 in hexadecimal digits."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()
