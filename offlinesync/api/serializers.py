"""A batch as it stands on the wire, checked against the protocol's shape.

Strict about what the site relies on, and lenient about claims: whether a
submission is any good is for the ingestion to say, in a receipt of its own.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Hashable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from rest_framework import serializers

from ..conf import app_settings
from .exceptions import Malformed, TooLarge, UnsupportedProtocol
from .multipart import max_parts

PROTOCOL = 1
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
SHA256 = re.compile(r"[0-9a-f]{64}")
# Between these every database can keep a time and every time zone show it.
YEARS = range(1970, 9999)


class WireField(serializers.Field):
    """A value taken as it is, of one JSON type; nothing is coerced, trimmed or turned away for its characters."""

    json_type: type = str
    default_error_messages = {"invalid": "This must be a {name}."}
    names = {str: "string", int: "whole number", dict: "object", list: "list"}

    def to_internal_value(self, data: Any) -> Any:
        """The value itself, if it is of the type. A bool is no number."""
        if type(data) is not self.json_type:
            self.fail("invalid", name=self.names[self.json_type])
        return data


class StringField(WireField):
    """Any string, even half a surrogate pair: the ingestion refuses it in a receipt (row C6)."""


class ObjectField(WireField):
    """Any object."""

    json_type = dict


class SizeField(WireField):
    """A number of bytes."""

    json_type = int
    default_error_messages = {"negative": "This must not be negative."}

    def to_internal_value(self, data: Any) -> int:
        """The number, if there can be so many bytes."""
        size = super().to_internal_value(data)
        if size < 0:
            self.fail("negative")
        return size


class IdField(StringField):
    """A UUIDv7 in canonical form."""

    default_error_messages = {"not_uuid7": "This must be a UUIDv7 in lower-case canonical form."}

    def to_internal_value(self, data: Any) -> uuid.UUID:
        """The UUID."""
        text = super().to_internal_value(data)
        if not UUID7.fullmatch(text):
            self.fail("not_uuid7")
        return uuid.UUID(text)


class OwnerField(StringField):
    """The primary key of a user as text."""

    default_error_messages = {"empty": "This must be null for an anonymous visitor, never empty."}

    def to_internal_value(self, data: Any) -> str:
        """The text."""
        owner = super().to_internal_value(data)
        if not owner:
            self.fail("empty")
        return owner


class ClaimedTimeField(serializers.Field):
    """The device's clock, or None where it says nothing that can be kept (row B14)."""

    def to_internal_value(self, data: Any) -> datetime | None:
        """The time, never a reason to refuse."""
        if not isinstance(data, str):
            return None
        try:
            claimed = parse_datetime(data)
            if claimed is None:
                return None
            claimed = claimed.replace(tzinfo=UTC) if claimed.tzinfo is None else claimed.astimezone(UTC)
        except (ValueError, OverflowError):
            return None
        return claimed if claimed.year in YEARS else None


class PairsField(WireField):
    """What a form's POST holds: pairs of name and value, in order."""

    json_type = list
    default_error_messages = {"not_pairs": "This must be a list of pairs of strings."}

    def to_internal_value(self, data: Any) -> list[tuple[str, str]]:
        """The pairs."""
        pairs = super().to_internal_value(data)
        if not all(_is_pair(pair) for pair in pairs):
            self.fail("not_pairs")
        return [(name, value) for name, value in pairs]


class NamesField(WireField):
    """Names of fields."""

    json_type = list
    default_error_messages = {"not_names": "This must be a list of strings."}

    def to_internal_value(self, data: Any) -> list[str]:
        """The names."""
        names = super().to_internal_value(data)
        if not all(type(name) is str for name in names):
            self.fail("not_names")
        return names


class DigestField(StringField):
    """A SHA-256."""

    default_error_messages = {"not_sha256": "This must be a SHA-256 in lower-case hexadecimal digits."}

    def to_internal_value(self, data: Any) -> str:
        """The digits."""
        text = super().to_internal_value(data)
        if not SHA256.fullmatch(text):
            self.fail("not_sha256")
        return text


class FileSerializer(serializers.Serializer):
    """What the device says of a file, and in which part it travels."""

    field = StringField()
    part = StringField()
    name = StringField(default="")
    type = StringField(default="")
    size = SizeField()
    sha256 = DigestField(default=None, allow_null=True)


class SubmissionSerializer(serializers.Serializer):
    """One submission."""

    id = IdField()
    form = StringField()
    captured_at = ClaimedTimeField(default=None, allow_null=True)
    fields = PairsField(default=list)
    files = FileSerializer(many=True, default=list)
    data = ObjectField(default=None, allow_null=True)
    language = StringField(default=None, allow_null=True)
    time_zone = StringField(default=None, allow_null=True)
    target = StringField(default=None, allow_null=True)
    group = StringField(default=None, allow_null=True)
    base_version = StringField(default=None, allow_null=True)
    refs = NamesField(default=list)


class BatchSerializer(serializers.Serializer):
    """The submissions of one owner."""

    owner = OwnerField(allow_null=True)
    submissions = SubmissionSerializer(many=True, allow_empty=False)


def validate_batch(data: Any) -> dict[str, Any]:
    """The batch, validated; raises ``Refused`` where it breaks the protocol or a limit."""
    check_protocol(data)
    submissions = data.get("submissions")
    if isinstance(submissions, list) and len(submissions) > app_settings.MAX_SUBMISSIONS:
        raise TooLarge(f"The batch has more than {app_settings.MAX_SUBMISSIONS} submissions. Send fewer at once.")
    check_files(submissions)
    serializer = BatchSerializer(data=data)
    if not serializer.is_valid():
        raise Malformed(first_error(serializer.errors))
    batch = serializer.validated_data
    check_unique("id", (submission["id"] for submission in batch["submissions"]))
    check_unique("part", (file["part"] for submission in batch["submissions"] for file in submission["files"]))
    return batch


class PartSerializer(serializers.Serializer):
    """The query of a request for a file that travels in parts."""

    owner = OwnerField(default=None)
    id = IdField()
    form = StringField()
    target = StringField(default=None)
    sha256 = DigestField()
    size = serializers.IntegerField(min_value=0)
    offset = serializers.IntegerField(min_value=0, default=0)


def validate_part(query: Mapping[str, str]) -> dict[str, Any]:
    """The query, validated; raises ``Malformed``."""
    serializer = PartSerializer(data=query)
    if not serializer.is_valid():
        raise Malformed(first_error(serializer.errors))
    return serializer.validated_data


def check_protocol(data: Any) -> None:
    """Refuse what is no batch, and what a newer client has written."""
    number = data.get("protocol") if isinstance(data, dict) else None
    if type(number) is not int:
        raise Malformed("A batch is an object whose key protocol is a whole number.")
    if number != PROTOCOL:
        raise UnsupportedProtocol


def check_files(submissions: Any) -> None:
    """Refuse more files than could arrive, before each costs errors of its own (row C8)."""
    most = max_parts()
    lists = [item.get("files") for item in submissions if isinstance(item, dict)] if type(submissions) is list else []
    if sum(len(files) for files in lists if isinstance(files, list)) > most:
        raise TooLarge(f"The batch has more than {most} files. Send fewer at once.")


def check_unique(name: str, values: Iterable[Hashable]) -> None:
    """Refuse a value that stands twice in one batch."""
    seen = set()
    for value in values:
        if value in seen:
            raise Malformed(f"Two entries of the batch have the same {name}.")
        seen.add(value)


def _is_pair(value: Any) -> bool:
    return type(value) is list and len(value) == 2 and all(type(item) is str for item in value)


def first_error(errors: Any) -> str:
    """Where the first error is, and what it says."""
    path = []
    while isinstance(errors, (dict, list)):
        items = errors.items() if isinstance(errors, dict) else enumerate(errors)
        key, errors = next((key, value) for key, value in items if value)
        path.append(str(key))
    return f"{'.'.join(path[:-1])}: {errors}"
