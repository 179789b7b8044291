"""The body of a request, read no further than the site allows, and its JSON."""

from __future__ import annotations

import json
import math
import re
from io import BytesIO
from typing import Any

from django.http import HttpRequest

from .exceptions import Interrupted, Malformed, TooLarge

# No handler's data is nested deeper by intent, and the parser recurses.
MAX_DEPTH = 32
# An empty list costs two bytes on the wire and sixty in memory. A hundred
# submissions of a thousand fields each stay within.
MAX_CONTAINERS = 110_000

OPENING, CLOSING = b"[{", b"]}"
NOT_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))
RUN = re.compile(rb'"[^"]*"|[\[{]+|[\]}]+')


class Body:
    """A request's body as a file to read once, of at most ``limit`` bytes."""

    def __init__(self, request: HttpRequest, limit: int) -> None:
        self.limit = limit
        self.declared = content_length(request)
        self.received = 0
        if self.declared is not None and self.declared > limit:
            raise too_long(limit)
        # A middleware may have read it already, as Django's own parser foresees.
        self._source = BytesIO(request.body) if hasattr(request, "_body") else request

    def read(self, size: int | None = None) -> bytes:
        """The next bytes, at most ``size`` of them; none at the end."""
        allowed = self.limit - self.received + 1
        try:
            data = self._source.read(allowed if size is None or size < 0 else min(size, allowed))
        except OSError as error:
            raise Interrupted from error
        self.received += len(data)
        if self.received > self.limit:
            raise too_long(self.limit)
        if not data and size != 0 and self.declared is not None and self.received < self.declared:
            raise Interrupted
        return data

    def read_all(self) -> bytes:
        """Everything up to the end."""
        return b"".join(iter(lambda: self.read(64 * 1024), b""))


def content_length(request: HttpRequest) -> int | None:
    """The length the request declares, or None."""
    value = request.META.get("CONTENT_LENGTH") or ""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else None


def too_long(limit: int) -> TooLarge:
    """The refusal of more than ``limit`` bytes."""
    return TooLarge(f"The request is longer than the {limit} bytes this site takes. Send less at once.")


def load_json(raw: bytes) -> Any:
    """Read strict JSON in UTF-8, within the limits of depth and count (row C8)."""
    check_structure(raw)
    try:
        return json.loads(raw.decode(), parse_constant=_refuse_constant, parse_float=_finite)
    # ValueError holds what is not UTF-8, not JSON, or an integer too long to read.
    except (ValueError, RecursionError) as error:
        raise Malformed("The batch is not JSON in UTF-8 as RFC 8259 has it.") from error


def check_structure(raw: bytes) -> None:
    """Count the brackets outside of strings before anything is built from them."""
    unescaped = raw.replace(rb"\\", b"").replace(rb"\"", b"")
    # Two quotes side by side change nothing in what is inside a string and what is not.
    structure = unescaped.translate(None, NOT_STRUCTURE).replace(b'""', b"")
    depth = containers = 0
    for match in RUN.finditer(structure):
        run = match[0]
        if run[0] in OPENING:
            depth += len(run)
            containers += len(run)
        elif run[0] in CLOSING:
            depth -= len(run)
        if not 0 <= depth <= MAX_DEPTH:
            raise Malformed(f"The batch is nested deeper than {MAX_DEPTH} levels, or is not JSON.")
        if containers > MAX_CONTAINERS:
            raise TooLarge(f"The batch has more than {MAX_CONTAINERS} lists and objects. Send less at once.")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("The number is beyond what a float can hold.")
    return number
