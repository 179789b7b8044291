"""Multipart bodies: the batch into memory, the files through Django's upload handlers.

Django's parser counts fields and files of a request, where the protocol lets each
submission have as many, and holds the batch itself to limits that are meant for
forms. So its pieces are put together anew here; the reading of boundaries and
headers is Django's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import SkipFile, StopFutureHandlers, StopUpload
from django.http.multipartparser import ChunkIter, LazyStream, MultiPartParser, Parser, exhaust

from .body import Body
from .exceptions import Malformed, TooLarge

BATCH = "batch"
# Each may be a temporary file that stays open until the request has ended, and
# a process usually has 1,024 of those.
MAX_PARTS = 500
# The same for a site that lets a form have any number of files. Each costs work, whatever is in it.
MAX_PARTS_OF_ANY_SITE = 2_000


class BatchMultiPartParser(MultiPartParser):
    """Reads the part ``batch`` and takes every other one for a file.

    A part that is cut off has not arrived: it is in neither.
    """

    def __init__(self, meta: Mapping[str, Any], body: Body, upload_handlers: Sequence[Any], max_batch: int) -> None:
        # What is not declared counts as large, so that it goes to the disk.
        length = body.limit if body.declared is None else body.declared
        super().__init__({**meta, "CONTENT_LENGTH": str(length)}, body, upload_handlers, "utf-8")
        self._max_batch = max_batch
        self._max_parts = max_parts()
        self._upload: Upload | None = None
        self._pending: bytes | None = None
        self.batch: bytes | None = None
        self.files: dict[str, UploadedFile] = {}

    def parse(self) -> tuple[bytes | None, dict[str, UploadedFile]]:
        """The bytes of the batch, if it has arrived, and the files by the names of their parts."""
        try:
            self._parse()
        except BaseException:
            self._discard()
            for file in self.files.values():
                file.close()
            raise
        return self.batch, self.files

    def _parse(self) -> None:
        for handler in self._upload_handlers:
            handler.handle_raw_input(
                self._input_data, self._meta, self._content_length, self._boundary, self._encoding
            )
        stream = LazyStream(ChunkIter(self._input_data, self._chunk_size))
        try:
            for count, (_, headers, content) in enumerate(Parser(stream, self._boundary)):
                # Row C8: those without a name cost as much. Beside the files there are the batch, and
                # what stands before the first boundary and after the last.
                if count >= self._max_parts + 3:
                    raise TooLarge(f"The request has more than {self._max_parts} files. Send fewer at once.")
                # Only the boundary that brings the next part says the last one is whole.
                self._complete()
                self._read_part(headers, content)
                # What nobody has read would be taken for parts of its own.
                exhaust(content)
        except StopUpload as stopped:
            raise TooLarge("An upload handler of this site stopped the upload. Send less at once.") from stopped
        self._discard()
        for handler in self._upload_handlers:
            handler.upload_complete()

    def _read_part(self, headers: Mapping[str, Any], content: LazyStream) -> None:
        disposition = headers.get("content-disposition", ("", {}))[1]
        name = disposition.get("name", b"").decode(errors="replace").strip()
        if name == BATCH:
            self._pending = self._read_batch(content)
        elif name:
            file_name = self.sanitize_file_name(disposition.get("filename", b"").decode(errors="replace")) or name
            self._receive(name, file_name, headers.get("content-type", ("", {})), content)

    def _read_batch(self, content: LazyStream) -> bytes:
        if self.batch is not None:
            raise Malformed(f"Two parts are named {BATCH}. Send one.")
        batch = content.read(self._max_batch + 1)
        if len(batch) > self._max_batch:
            raise TooLarge(f"The batch is longer than the {self._max_batch} bytes this site takes. Send less at once.")
        return batch

    def _receive(
        self, name: str, file_name: str, media_type: tuple[str, dict[str, bytes]], content: Iterable[bytes]
    ) -> None:
        if name in self.files:
            raise Malformed("Two parts have one name. Give each file a part of its own.")
        self._upload = Upload(self._upload_handlers, name)
        try:
            self._upload.begin(file_name, *media_type)
            self._upload.receive(content)
        except SkipFile:
            self._discard()

    def _complete(self) -> None:
        if self._pending is not None:
            self.batch, self._pending = self._pending, None
        if self._upload is not None:
            upload, self._upload = self._upload, None
            file = upload.complete()
            if file is not None:
                self.files[upload.name] = file

    def _discard(self) -> None:
        if self._upload is not None:
            upload, self._upload = self._upload, None
            upload.interrupt()


class Upload:
    """One file on its way through Django's upload handlers."""

    def __init__(self, handlers: Sequence[Any], name: str) -> None:
        self.name = name
        self._handlers = handlers
        self._sizes = [0] * len(handlers)
        self._begun: list[Any] = []

    def begin(self, file_name: str, media_type: str, extra: Mapping[str, bytes]) -> None:
        """Announce the file to the handlers, until one keeps it to itself."""
        # Its ending becomes that of a temporary file, which the file system bounds; it may be the name of the part.
        root, ending = os.path.splitext("".join(filter(str.isprintable, file_name)) or "file")
        file_name = root[:100] + ending[:20]
        for handler in self._handlers:
            self._begun.append(handler)
            try:
                handler.new_file(self.name, file_name, media_type.strip(), None, extra.get("charset"), dict(extra))
            except StopFutureHandlers:
                break

    def receive(self, content: Iterable[bytes]) -> None:
        """Hand each chunk from one handler to the next, as far as they let it go."""
        for part in content:
            chunk: bytes | None = part
            for index, handler in enumerate(self._handlers):
                length = len(chunk)
                chunk = handler.receive_data_chunk(chunk, self._sizes[index])
                self._sizes[index] += length
                if chunk is None:
                    break

    def complete(self) -> UploadedFile | None:
        """The file, from the first handler that has one."""
        for handler, size in zip(self._handlers, self._sizes, strict=True):
            file = handler.file_complete(size)
            if file:
                return file
        return None

    def interrupt(self) -> None:
        """Let the handlers clean up; those not begun still hold the file before."""
        for handler in self._begun:
            handler.upload_interrupted()


def max_parts() -> int:
    """The most files of one request: as many as one form may have, and those of small forms together."""
    of_one_form = settings.DATA_UPLOAD_MAX_NUMBER_FILES
    return MAX_PARTS_OF_ANY_SITE if of_one_form is None else max(of_one_form, MAX_PARTS)
