"""Where a device delivers large files in parts, and how they are put together again (row E4)."""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import SkipFile, StopUpload, load_handler
from django.http import HttpRequest, QueryDict
from django.utils.datastructures import MultiValueDict
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import registry
from ..conf import app_settings
from ..parts import Full, PartialFile, is_accepted
from ..refusals import refusal_by
from ..submissions import IncomingSubmission, owner_of
from ..viewrequest import environ_of
from .body import Body
from .exceptions import Malformed, TooLarge
from .multipart import Upload
from .policy import ProtocolMixin, SubmitterMixin
from .serializers import validate_part

logger = logging.getLogger("offlinesync")

# Each is a row, and a visitor could make any number of them.
SMALLEST_PART = 64 * 1024


class PartView(SubmitterMixin, ProtocolMixin, APIView):
    """Says how much of a file has arrived, and takes in what follows.

    What it does not take, a device sends with its submission, as it would without parts.
    """

    http_method_names = ["get", "post"]

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Where to go on."""
        file, about = self.get_file(request)
        return Response({"offset": self.arrived(file, about)})

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take in a part; where another one is expected, nothing happens but the same answer."""
        file, about = self.get_file(request)
        arrived = self.arrived(file, about)
        left = about["size"] - arrived
        if arrived == about["offset"] and left > 0:
            content = Body(request._request, app_settings.UPLOADS["PART_BYTES"]).read_all()[:left]
            if len(content) < min(SMALLEST_PART, app_settings.UPLOADS["PART_BYTES"], left):
                raise Malformed(f"A part has at least {SMALLEST_PART} bytes, unless the file ends with it.")
            arrived = file.add(arrived, content)
        return Response({"offset": arrived})

    def get_file(self, request: Request) -> tuple[PartialFile, Mapping[str, Any]]:
        """The file that the query speaks of, if its owner may send it."""
        about = validate_part(request.query_params.dict())
        if not app_settings.UPLOADS["PART_BYTES"] or not registry.is_registered(about["form"]):
            raise NotFound
        if about["size"] > app_settings.MAX_SUBMISSION_BYTES:
            raise TooLarge(f"The file is longer than the {app_settings.MAX_SUBMISSION_BYTES} bytes this site takes.")
        user = self.get_submitter(request, about["owner"])
        probe = IncomingSubmission(
            id=about["id"], form=about["form"], target=about["target"], user=user, environ=environ_of(request._request)
        )
        if not is_allowed(probe):
            raise PermissionDenied
        return PartialFile(owner_of(user), about["id"], about["sha256"]), about

    def arrived(self, file: PartialFile, about: Mapping[str, Any]) -> int:
        """How many bytes need not be sent: all of them, where the submission has been accepted (row B1)."""
        if is_accepted(file.owner, file.submission_id):
            return about["size"]
        arrived = file.arrived()
        try:
            # Before anything of it is sent in vain.
            file.make_room(about["size"] - arrived)
        except Full as full:
            raise TooLarge("Too much of this owner's waits for its submission already. Send the file whole.") from full
        return arrived


def is_allowed(probe: IncomingSubmission) -> bool:
    """Whether the handler lets the user send the form, as far as it can say so before the form is there.

    A permission that looks at what was filled in fails here, and is asked again when the file has come whole.
    """
    try:
        return registry.get(probe.form).has_permission(probe)
    except Exception as error:  # noqa: BLE001
        if refusal_by(error) is None:
            logger.warning(
                "The permission of the form %r cannot be told before the form is there (%s): its files come whole.",
                probe.form,
                type(error).__name__,
            )
        return False


def assemble(
    request: HttpRequest, owner: str, submission_id: uuid.UUID, file: Mapping[str, Any]
) -> UploadedFile | None:
    """The file whose parts have all come, through the site's upload handlers; None: it is not whole.

    Its SHA-256 is that of what has come, whatever a handler makes of it.
    """
    partial = PartialFile(owner, submission_id, file["sha256"])
    if partial.arrived() != file["size"]:
        return None
    handlers = [load_handler(path, request) for path in settings.FILE_UPLOAD_HANDLERS]
    for handler in handlers:
        handler.handle_raw_input(None, request.META, file["size"], None)
    upload = Upload(handlers, file["part"])
    digest = hashlib.sha256()
    try:
        upload.begin(usable_name(file["name"]), file["type"], {})
        upload.receive(hashed(partial.chunks(), digest))
    except SkipFile:
        upload.interrupt()
        return None
    except StopUpload as stopped:
        upload.interrupt()
        raise TooLarge("An upload handler of this site stopped the upload. Send less at once.") from stopped
    if digest.hexdigest() != file["sha256"]:
        # Row A6: nothing that follows makes it right.
        upload.interrupt()
        partial.discard()
        return None
    content = upload.complete()
    if content is not None:
        close_with(request, file["part"], content)
    return content


def hashed(chunks: Iterable[bytes], digest: Any) -> Iterator[bytes]:
    """The chunks as they are, when the digest has seen them."""
    for chunk in chunks:
        digest.update(chunk)
        yield chunk


def usable_name(name: str) -> str:
    """A name for the temporary file; what is wrong with the file's own, the ingestion says in a receipt."""
    last = "".join(filter(str.isprintable, name.replace("\\", "/").rpartition("/")[2]))
    return "file" if last in ("", ".", "..") else last


def close_with(request: HttpRequest, name: str, content: UploadedFile) -> None:
    """Leave the file where Django closes it."""
    if not hasattr(request, "_files"):
        request._post = QueryDict()
        request._files = MultiValueDict()
    request._files.appendlist(name, content)
