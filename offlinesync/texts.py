"""What is said to the visitor: one file for each language, which pages name and nobody renders twice."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import get_script_prefix, reverse
from django.utils import translation

from .scripts import digest_of


def texts_url() -> str:
    """The URL of the texts in the language of now; it carries their digest, and its content never changes."""
    language = _language()
    return reverse("offlinesync:texts", args=[language, digest_of(texts_in(language))])


def _language() -> str:
    current = (translation.get_language() or settings.LANGUAGE_CODE).lower()
    if is_known(current):
        return current
    try:
        return translation.get_supported_language_variant(current).lower()
    except LookupError:
        return settings.LANGUAGE_CODE.lower()


def is_known(language: str) -> bool:
    """Whether the site has it. Django keeps whatever language it is asked for in memory, and so do we."""
    return language in {code.lower() for code in (settings.LANGUAGE_CODE, *dict(settings.LANGUAGES))}


def texts_in(language: str) -> str:
    """The file of the texts. It is everybody's: the templates are rendered without a request."""
    render = _render if settings.DEBUG else _render_once
    return render(language, get_script_prefix())


def _render(language: str, prefix: str) -> str:
    # The prefix is for what a site's own template links to.
    with translation.override(language):
        return render_to_string("offlinesync/sentences.html")


# Every page names them by their digest, and should not wait for a template each time (P9).
_render_once = lru_cache(maxsize=256)(_render)
