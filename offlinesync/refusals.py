"""Why a submission is not accepted: found without the database, or said by a handler."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, BadRequest, PermissionDenied, SuspiciousOperation, ValidationError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions as drf
from rest_framework.settings import api_settings

from .conflicts import Conflict
from .handlers import ErrorDict, Rejected, error_dict
from .pagecontext import UnknownPage, as_on_the_page
from .registry import is_registered
from .submissions import IncomingSubmission, Receipt

# No database of ours holds NUL and half a surrogate pair; UTF-8 does not write the latter either.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

# Seconds until the device may try again. A handler's bug and a file that does not arrive are still
# there a moment later; a lock, or an earlier member of the group, is not.
RETRY_AFTER = {"busy": 2, "group": 2, "incomplete_file": 30, "handler_error": 60}


class Refused(Exception):
    """A handler has refused the submission."""

    def __init__(self, code: str, errors: ErrorDict | None = None, conflict: Conflict | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors
        self.conflict = conflict

    def receipt(self, submission: IncomingSubmission) -> Receipt:
        """What the device is told."""
        if self.conflict is None:
            return rejected(submission, self.code, self.errors)
        told = self.conflict
        return Receipt(
            submission.id,
            "conflict",
            current=told.current,
            current_fields=told.posted,
            untouched=told.untouched,
            version=told.version,
        )


def rejected(submission: IncomingSubmission, code: str, errors: ErrorDict | None = None) -> Receipt:
    """The person has to act."""
    return Receipt(submission.id, "rejected", code=code, errors=errors)


def deferred(submission: IncomingSubmission, code: str) -> Receipt:
    """Not now; the device tries again."""
    # Row B12: devices that have failed together must not come back together.
    seconds = RETRY_AFTER[code]
    retry_after = random.randint(seconds, 2 * seconds)
    return Receipt(submission.id, "deferred", code=code, retry_after=retry_after)


def incomplete(submission: IncomingSubmission) -> Receipt | None:
    """A refusal if a file has not arrived as the device has it (row A6)."""
    if all(file.is_complete for file in submission.files):
        return None
    return deferred(submission, "incomplete_file")


def refusal_without_database(submission: IncomingSubmission) -> Receipt | None:
    """A refusal if the submission cannot be accepted whatever the database holds."""
    if not is_registered(submission.form):
        return rejected(submission, "unknown_form")
    try:
        with as_on_the_page(submission):
            if _exceeds_limits(submission):
                return rejected(submission, "too_large", _errors(NON_FIELD_ERRORS, _too_large()))
            errors = {**_unstorable(submission), **dict(_nameless_files(submission))}
    except UnknownPage:
        errors = _errors(NON_FIELD_ERRORS, _unknown_page())
    return rejected(submission, "invalid", errors) if errors else None


def refusal_by(error: Exception) -> Refused | None:
    """What an exception of a handler says, in the active language; None: it is a bug."""
    match error:
        case Rejected():
            return Refused(error.code, error.as_error_dict())
        case Conflict():
            return Refused("conflict", conflict=error)
        case ValidationError():
            return Refused("invalid", error_dict(error))
        case drf.ValidationError():
            return Refused("invalid", dict(_drf_errors(error.get_full_details())))
        case PermissionDenied() | drf.PermissionDenied() | drf.NotAuthenticated():
            return Refused("forbidden")
        case Http404() | drf.NotFound():
            return Refused("invalid", _errors(NON_FIELD_ERRORS, _not_found()))
        case SuspiciousOperation() | BadRequest():
            # What Django answers with 400.
            return Refused("invalid", _errors(NON_FIELD_ERRORS, not_taken()))
    return None


def bad_data() -> Refused:
    """The refusal of what the database cannot hold."""
    return Refused("invalid", _errors(NON_FIELD_ERRORS, _cannot_be_saved()))


def _exceeds_limits(submission: IncomingSubmission) -> bool:
    most_fields = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
    most_files = settings.DATA_UPLOAD_MAX_NUMBER_FILES
    return (most_fields is not None and len(submission.fields) > most_fields) or (
        most_files is not None and len(submission.files) > most_files
    )


def _unstorable(submission: IncomingSubmission) -> ErrorDict:
    # The receipt has to be written as UTF-8 too, so it cannot name a field with such a name.
    names = {
        NON_FIELD_ERRORS if UNSTORABLE.search(name) else name
        for name, text in _texts(submission)
        if UNSTORABLE.search(text)
    }
    message = _unstorable_character()
    return {name: errors for name in names for errors in _errors(name, message).values()}


def _nameless_files(submission: IncomingSubmission) -> Iterator[tuple[str, list[dict[str, str]]]]:
    for file in submission.files:
        # Django refuses such names with an exception, which would be taken for a handler's bug.
        if os.path.basename(file.name) in ("", ".", ".."):
            yield from _errors(file.field, _nameless_file()).items()


def _texts(submission: IncomingSubmission) -> Iterator[tuple[str, str]]:
    """Every text of a submission, with the name of the field to show an error at."""
    for name, value in submission.fields:
        yield name, name
        yield name, value
    for file in submission.files:
        yield file.field, file.field
        yield file.field, file.name
        yield file.field, file.type
    for name, value in (submission.data or {}).items():
        for text in _texts_in([name, value]):
            yield name, text
    for text in (submission.target, submission.group, submission.base_version):
        if text is not None:
            yield NON_FIELD_ERRORS, text


def _texts_in(value: Any) -> Iterator[str]:
    # A list of what is left and no recursion: the depth is the sender's choice.
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            left.extend(item.keys())
            left.extend(item.values())
        elif isinstance(item, list):
            left.extend(item)


def _drf_errors(details: Any, name: str = "") -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Flatten the errors of a serializer: the names of nested fields are joined by dots."""
    if _is_error(details):
        yield from _drf_errors([details], name)
    elif isinstance(details, Mapping):
        for key, value in details.items():
            # An exception that is about no field is answered as its detail.
            if key == api_settings.NON_FIELD_ERRORS_KEY or (key == "detail" and not name and _is_error(value)):
                yield from _drf_errors(value, name)
            else:
                yield from _drf_errors(value, f"{name}.{key}" if name else str(key))
    elif details and not _is_error(details[0]):
        yield from _drf_errors(dict(enumerate(details)), name)
    else:
        yield (
            name or NON_FIELD_ERRORS,
            [{"message": str(item["message"]), "code": str(item["code"])} for item in details],
        )


def _is_error(details: Any) -> bool:
    # A serializer may have a field called message, whose errors are a list.
    return isinstance(details, Mapping) and isinstance(details.get("message"), str)


def _errors(name: str, message: str) -> ErrorDict:
    return {name: [{"message": message, "code": "invalid"}]}


def _unknown_page() -> str:
    return _(
        "This form was filled in on a page whose language or time zone this site does not have any more. "
        "Open the form again and send it from there."
    )


def _too_large() -> str:
    return _("This form has more fields or files than the site takes. Remove some and send it again.")


def _unstorable_character() -> str:
    return _("This contains a character that cannot be saved. Remove it and send the form again.")


def _nameless_file() -> str:
    return _("This file has no name that can be used. Rename it and choose it again.")


def _cannot_be_saved() -> str:
    return _("The site could not save this: something in it is too long or too large. Shorten it and send it again.")


def not_taken() -> str:
    """What is said where nobody says why."""
    return _("The site did not take this form, and did not say why.")


def _not_found() -> str:
    return _("What this form belongs to does not exist any more.")
