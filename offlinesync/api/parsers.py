"""The two ways a batch travels: as JSON, or as multipart with its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.utils.datastructures import MultiValueDict
from rest_framework.parsers import BaseParser

from ..conf import app_settings
from .body import Body, load_json
from .exceptions import Malformed
from .multipart import BATCH, BatchMultiPartParser

# What multipart adds around the parts: boundaries and headers.
MULTIPART_FRAMING = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Payload:
    """What has arrived: the batch as read from JSON, its length in bytes, the files by their part."""

    batch: Any
    json_size: int
    files: Mapping[str, UploadedFile] = field(default_factory=dict)


class BatchParser(BaseParser):
    """Reads an ``HttpRequest`` rather than DRF's stream of it.

    DRF takes a request without ``Content-Length`` for an empty one, and reads JSON
    into memory whatever its length.
    """

    def parse(
        self, stream: HttpRequest, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Payload:
        """The payload of the request, which is handed over as the stream."""
        raise NotImplementedError


class JSONBatchParser(BatchParser):
    """A batch without files."""

    media_type = "application/json"

    def parse(
        self, stream: HttpRequest, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Payload:
        """The body is the batch."""
        raw = Body(stream, app_settings.MAX_BYTES).read_all()
        return Payload(load_json(raw), len(raw))


class MultiPartBatchParser(BatchParser):
    """A batch in the part ``batch``, and files in parts it names."""

    media_type = "multipart/form-data"

    def parse(
        self, stream: HttpRequest, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Payload:
        """The parts of the body; cut ones are missing."""
        limit = max(app_settings.MAX_BYTES, app_settings.MAX_SUBMISSION_BYTES) + MULTIPART_FRAMING
        body = Body(stream, limit)
        raw, files = self.take_parsed(stream) if hasattr(stream, "_files") else self.parse_body(stream, body)
        if raw is None:
            raise Malformed(f"The part {BATCH} is missing or cut off. Send the batch in it.")
        return Payload(load_json(raw), len(raw), files)

    def parse_body(self, request: HttpRequest, body: Body) -> tuple[bytes | None, dict[str, UploadedFile]]:
        """Parse the body, and leave the files where Django closes them."""
        handlers = request.upload_handlers
        try:
            raw, files = BatchMultiPartParser(request.META, body, handlers, app_settings.MAX_BYTES).parse()
        # LookupError: an unknown encoding in the header of a part.
        except (MultiPartParserError, LookupError) as error:
            raise Malformed("The body is not multipart/form-data as RFC 7578 has it.") from error
        request._post = QueryDict()
        request._files = MultiValueDict({name: [file] for name, file in files.items()})
        return raw, files

    def take_parsed(self, request: HttpRequest) -> tuple[bytes | None, dict[str, UploadedFile]]:
        """What a middleware's look at ``request.POST`` has left of the body."""
        files = dict(request.FILES.items())
        if BATCH in request.POST:
            return request.POST[BATCH].encode(errors="surrogatepass"), files
        batch = files.pop(BATCH, None)
        return (None if batch is None else batch.read()), files
