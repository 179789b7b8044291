"""The language and time zone a form was filled in under (row C11)."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.utils import timezone, translation

from .submissions import IncomingSubmission


class UnknownPage(LookupError):
    """The site knows no such language or time zone."""


@contextmanager
def as_on_the_page(submission: IncomingSubmission) -> Iterator[None]:
    """Read and write dates, numbers and texts as the page with the form did."""
    language = page_language(submission.language)
    time_zone = page_time_zone(submission.time_zone)
    with translation.override(language), timezone.override(time_zone):
        yield


def page_language(code: str | None) -> str:
    """The language to activate; that of the site when the page has named none."""
    if code is None or code == settings.LANGUAGE_CODE:
        return settings.LANGUAGE_CODE
    code = code.lower()
    try:
        supported = translation.get_supported_language_variant(code)
    except LookupError as error:
        raise UnknownPage(code) from error
    # "en" and "en-gb" read "03/04/2026" as different days, so a language that Django itself knows
    # is never replaced by a relative. Others are: Django keeps every code it has activated in
    # memory, and the device may send any.
    return code if code in LANG_INFO else supported


def page_time_zone(name: str | None) -> zoneinfo.ZoneInfo | None:
    """The time zone to activate; None, that of the site, when the page has named none."""
    if name is None:
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        raise UnknownPage(name) from error
