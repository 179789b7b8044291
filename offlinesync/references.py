"""What an entry says of an object that another entry is to make, and that has no key yet when it is written down.

The id of an entry stands for the object that it makes: in the fields that ``refs`` names, and as ``target``. Where
the ledger knows the key of that object, it takes the id's place before the handler sees it. Nothing else is rewritten,
and an id that the ledger does not know stays: it may be the key of an object that the site has made otherwise.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from .submissions import IncomingSubmission

ENTRY_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def named_ids(submission: IncomingSubmission) -> set[uuid.UUID]:
    """The ids that may stand for objects."""
    return {uuid.UUID(text) for text in _named(submission) if ENTRY_ID.fullmatch(text)}


def resolve(submission: IncomingSubmission, keys: Mapping[uuid.UUID, str]) -> None:
    """Put the keys of the objects in the place of the ids that stand for them."""
    known = {str(entry_id): key for entry_id, key in keys.items()}
    refs = set(submission.refs)
    if submission.target is not None:
        submission.target = known.get(submission.target, submission.target)
    submission.fields = [
        (name, known.get(value, value) if name in refs else value) for name, value in submission.fields
    ]
    if submission.data is not None:
        submission.data = {
            name: _replaced(value, known) if name in refs else value for name, value in submission.data.items()
        }


def _named(submission: IncomingSubmission) -> Iterator[str]:
    if submission.target is not None:
        yield submission.target
    refs = set(submission.refs)
    for name, value in submission.fields:
        if name in refs:
            yield value
    for name, value in (submission.data or {}).items():
        if name in refs:
            yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))


def _replaced(value: Any, known: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_replaced(item, known) for item in value]
    return known.get(value, value) if isinstance(value, str) else value
