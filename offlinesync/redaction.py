"""Exceptions as they may be logged: type, traceback and chain, without what people have written (row C7).

What a handler raises quotes what it was given, and so does a database. Every word of a message that
stands in the submission is masked, however it is spelt there; of what a database says, every quoted value and
the details.
"""

from __future__ import annotations

import re
import sys
import traceback
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from django.db import Error as DjangoDatabaseError

if TYPE_CHECKING:
    from .submissions import IncomingSubmission

MASK = "[...]"
LONGEST_MESSAGE = 1000
# A cause of a cause of a cause: nobody reads further.
LONGEST_CHAIN = 20
# Shorter pieces of a word are in every other word.
SHORTEST_PIECE = 4

WORD = re.compile(r"\w+")
ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})")
# Databases quote names and values alike. Names are kept: they follow these words, and are the schema's.
QUOTED = re.compile(
    r"""(?P<name>\b(?:key|column|constraint|table|relation)\ (?:"[\w.$]+"|'[\w.$]+')|constraint\ failed:\ [\w.,\ ]+)"""
    # MariaDB does not escape what it quotes here.
    r"""|(?<=entry\ )'.*'(?=\ for\ key\ )|"[^"]*"?|'[^']*'?""",
    re.VERBOSE,
)


def redacted(error: BaseException, *submissions: IncomingSubmission) -> BaseException:
    """A stand-in to be logged in the exception's place."""
    return _Redaction(Vocabulary(submissions)).of(error)


class Vocabulary:
    """The words of some submissions and of who has sent them."""

    def __init__(self, submissions: Iterable[IncomingSubmission]) -> None:
        texts = {text for submission in submissions for text in _texts_of(submission) if text}
        self._words = {_plain(word) for text in texts for word in WORD.findall(text)}
        self._numbers = {int(word) for word in self._words if _is_number(word)}
        self._squeezed = {squeezed for text in texts if len(squeezed := _squeezed(text)) >= SHORTEST_PIECE}
        self._all = "\n".join(self._squeezed)

    def mask(self, message: str) -> str:
        """The message without the words."""
        message = ESCAPE.sub(_unescaped, message[:LONGEST_MESSAGE])
        spans = [match.span() for match in WORD.finditer(message)]
        plain = [_plain(message[first:last]) for first, last in spans]
        hidden = {place for place, word in enumerate(plain) if self._knows(word)}
        hidden.update(self._split_up(plain))
        pieces, end = [], 0
        for place, (first, last) in enumerate(spans):
            pieces += [message[end:first], MASK if place in hidden else message[first:last]]
            end = last
        text = "".join([*pieces, message[end:]])
        # What was an escape may be a line break now, and a log has a line for each record.
        return "".join(character if character.isprintable() or character == "\n" else " " for character in text)

    def _knows(self, word: str) -> bool:
        if word in self._words or (_is_number(word) and int(word) in self._numbers):
            return True
        if len(word) < SHORTEST_PIECE:
            return False
        return word in self._all or any(piece in self._words for piece in _pieces(word))

    def _split_up(self, words: list[str]) -> Iterator[int]:
        """The places of words that together are a value, spelt with other spaces or signs."""
        owners = [place for place, word in enumerate(words) for _ in word]
        joined = "".join(words)
        for value in self._squeezed:
            at = joined.find(value)
            while at >= 0:
                yield from range(owners[at], owners[at + len(value) - 1] + 1)
                at = joined.find(value, at + 1)


class _Redaction:
    """One walk through a chain of exceptions."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._made: dict[int, BaseException] = {}
        self._running = {frame for frame, _ in traceback.walk_stack(sys._getframe())}

    def of(self, error: BaseException) -> BaseException:
        if id(error) in self._made:
            return self._made[id(error)]
        standin = self._made[id(error)] = self._standin(error)
        if len(self._made) < LONGEST_CHAIN:
            standin.__cause__ = None if error.__cause__ is None else self.of(error.__cause__)
            standin.__context__ = None if error.__context__ is None else self.of(error.__context__)
        standin.__suppress_context__ = error.__suppress_context__
        notes = getattr(error, "__notes__", None)
        for note in notes if isinstance(notes, (list, tuple)) else ():
            standin.add_note(self._vocabulary.mask(str(note)))
        return standin.with_traceback(self._without_values(error.__traceback__))

    def _standin(self, error: BaseException) -> BaseException:
        message = self._message(error)
        if isinstance(error, BaseExceptionGroup):
            members = [self.of(member) for member in error.exceptions[:LONGEST_CHAIN]]
            return BaseExceptionGroup(message, members)
        # Neither the class itself, whose __str__ may say more than its arguments, nor a subclass, whose
        # constructor may want who knows what.
        kind = type(error)
        names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
        return type(kind.__name__, (Exception,), names)(*([message] if message else []))

    def _message(self, error: BaseException) -> str:
        try:
            text = error.message if isinstance(error, BaseExceptionGroup) else str(error)
        except Exception as failure:  # noqa: BLE001
            return f"its message could not be read: {type(failure).__name__}"
        return self._message_of_database(error, text) if _is_of_a_database(error) else self._vocabulary.mask(text)

    def _message_of_database(self, error: BaseException, text: str) -> str:
        code = ""
        if len(error.args) == 2 and isinstance(error.args[0], int):
            # MariaDB's number and words, which would be quoted once more.
            code, text = f"{error.args[0]} ", str(error.args[1])
        # What follows the first line is the detail: Key (email)=(…) already exists.
        text = text.partition("\n")[0][:LONGEST_MESSAGE]
        pieces, end = [code], 0
        for match in QUOTED.finditer(text):
            pieces += [self._vocabulary.mask(text[end : match.start()]), match["name"] or MASK]
            end = match.end()
        return "".join([*pieces, self._vocabulary.mask(text[end:]), _place_of(error)])

    def _without_values(self, frames: TracebackType | None) -> TracebackType | None:
        """The frames with empty variables, which error reporters would send along."""
        while frames is not None and frames.tb_frame in self._running:
            # It cannot be emptied, because it is where the exception was caught.
            frames = frames.tb_next
        traceback.clear_frames(frames)
        return frames


def _is_of_a_database(error: BaseException) -> bool:
    # The drivers' exceptions share a name by PEP 249, and no class.
    return isinstance(error, DjangoDatabaseError) or any(
        kind.__name__ in ("DatabaseError", "InterfaceError") for kind in type(error).__mro__
    )


def _place_of(error: BaseException) -> str:
    """What PostgreSQL says beside its message, and what holds no value."""
    diagnosis = getattr(error, "diag", None)
    names = ("sqlstate", "constraint_name", "table_name", "column_name")
    found = [f"{name}={value}" for name in names if (value := getattr(diagnosis, name, None))]
    return f" ({', '.join(found)})" if found else ""


def _texts_of(submission: IncomingSubmission) -> Iterator[str]:
    for _, value in submission.fields:
        yield value
    for file in submission.files:
        yield file.name
    yield from _leaves(submission.data)
    yield from filter(None, (submission.target, submission.group, submission.base_version))
    user = submission.user
    if user.is_authenticated:
        yield str(user.get_username())
        for name in (user.get_email_field_name(), "first_name", "last_name"):
            yield str(getattr(user, name, ""))


def _leaves(value: Any) -> Iterator[str]:
    # No recursion: the depth is the sender's choice.
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, Mapping):
            left.extend(item.values())
        elif isinstance(item, list):
            left.extend(item)
        elif item is not None and not isinstance(item, bool):
            yield str(item)


def _plain(text: str) -> str:
    """Without case, accents and signs, as a slug or a search would have it."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text.casefold())))


def _squeezed(text: str) -> str:
    return "".join(map(_plain, WORD.findall(text)))


def _pieces(word: str) -> Iterator[str]:
    word = word[:100]
    for first in range(len(word)):
        for last in range(first + SHORTEST_PIECE, len(word) + 1):
            yield word[first:last]


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 100


def _unescaped(match: re.Match[str]) -> str:
    code = int(next(filter(None, match.groups())), 16)
    return chr(code) if code <= sys.maxunicode else match[0]
