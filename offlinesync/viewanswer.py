"""What a view has answered to a submission: an address to go to, or a refusal."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, unquote, urljoin, urlsplit

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.forms import BaseForm, BaseFormSet
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch
from django.utils.html import strip_tags
from rest_framework import exceptions as drf

from .handlers import Rejected, form_errors
from .refusals import not_taken
from .viewrequest import SubmissionRequest

REDIRECTS = (301, 302, 303)
# Without a page: nothing but that it has been done.
DONE = (201, 204)
NOT_NOW = 429
LONGEST_TEXT = 500
DEEPEST_FORM = 4
NO_TEXT = ("head", "script", "style", "template", "nav", "header", "footer", "button", "select", "textarea")


class ViewFailed(Exception):
    """The view has answered that it cannot answer now, as it has by raising an exception."""


def result_of(request: SubmissionRequest, response: HttpResponseBase) -> dict[str, Any]:
    """What the receipt tells the device.

    Raises ``Rejected``, ``PermissionDenied`` or ``Http404`` where the view has refused the submission, and
    ``ViewFailed`` where it is to be sent again.
    """
    status = response.status_code
    if status in REDIRECTS:
        url = urljoin(request.get_full_path(), response.headers["Location"])
        if _leads_to_sign_in(request, url):
            raise PermissionDenied
        return _with_messages(request, {"url": url})
    if status in DONE:
        return _with_messages(request, {})
    if status in (401, 403):
        raise PermissionDenied
    if status == 404:
        raise Http404
    if status >= 500 or status == NOT_NOW:
        raise ViewFailed(f"{request.resolver_match.view_name or request.path} answered {status}")
    if status >= 400 and isinstance(getattr(response, "data", None), (dict, list)):
        # As a view of REST framework answers what a serializer refuses.
        raise drf.ValidationError(response.data)
    raise Rejected(_errors_on_the_page(request, response) or _words_of(request, response))


def text_of(message: Any) -> str:
    """A message without its markup, if it has some."""
    return _shortened(html.unescape(strip_tags(message)) if hasattr(message, "__html__") else str(message))


def _with_messages(request: SubmissionRequest, result: dict[str, Any]) -> dict[str, Any]:
    messages = [{"text": text_of(message.message), "level": message.level_tag} for message in request.messages]
    return {**result, "messages": messages} if messages else result


def _leads_to_sign_in(request: SubmissionRequest, url: str) -> bool:
    """Whether somebody else is wanted: a receipt that says ``accepted`` would throw the words away."""
    parts = urlsplit(url)
    view = request.resolver_match.func
    named = [settings.LOGIN_URL, getattr(view, "login_url", None)]
    named.append(getattr(getattr(view, "view_class", None), "login_url", None))
    if parts.path in {urlsplit(path).path for path in _resolved(filter(None, named))}:
        return True
    # As django.contrib.auth's redirect_to_login() writes it, wherever it leads to.
    # By whatever name: what leads back to the form has not taken it (P2).
    backs = [back for values in parse_qs(parts.query).values() for back in values]
    return any(unquote(urlsplit(back).path) == request.path for back in backs)


def _resolved(urls: Iterable[Any]) -> Iterator[str]:
    for url in urls:
        try:
            yield resolve_url(url)
        except NoReverseMatch:
            continue


def _errors_on_the_page(request: SubmissionRequest, response: HttpResponseBase) -> dict[str, list[Any]]:
    contexts = [*request.contexts, getattr(response, "context_data", None) or {}]
    forms = {id(form): form for context in contexts for form in _forms_in(context)}
    errors: dict[str, list[Any]] = {}
    for form in forms.values():
        # A search on the same page is bound to its address.
        if form.is_bound and form.data is not request.GET:
            for name, those in form_errors(form).items():
                errors.setdefault(name, []).extend(those)
    return errors


def _forms_in(value: Any, depth: int = DEEPEST_FORM) -> Iterator[BaseForm | BaseFormSet]:
    """The forms a template was given, also in lists of lists, and in what the admin wraps them in."""
    if isinstance(value, (BaseForm, BaseFormSet)):
        yield value
    elif depth:
        attributes = getattr(value, "__dict__", {})
        wrapped = [attributes[name] for name in ("form", "formset") if name in attributes]
        for member in value.values() if isinstance(value, Mapping) else _members(value) or wrapped:
            yield from _forms_in(member, depth - 1)


def _members(value: Any) -> Iterable[Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _words_of(request: SubmissionRequest, response: HttpResponseBase) -> list[str]:
    if messages := [text_of(message.message) for message in request.messages]:
        return messages
    return [_text_on(response) or not_taken()]


def _text_on(response: HttpResponseBase) -> str:
    if response.streaming:
        return ""
    content = response.content.decode(response.charset or "utf-8", errors="replace")
    if not response.headers.get("Content-Type", "").startswith("text/html"):
        return _shortened(content)
    page = PageText()
    page.feed(content)
    page.close()
    return _shortened(" ".join(page.texts))


def _shortened(text: str) -> str:
    # What cannot be written into the receipt would take those of the whole batch with it (row C6).
    words = " ".join(text.replace("\x00", "").split())
    return words if len(words) <= LONGEST_TEXT else words[:LONGEST_TEXT].rstrip() + "…"


class PageText(HTMLParser):
    """What a person would read on a page."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Go into what nobody reads."""
        # HTML lets the end of the head be left out.
        self._depth = 0 if tag == "body" else self._depth + (tag in NO_TEXT)

    def handle_endtag(self, tag: str) -> None:
        """Come out of it."""
        self._depth -= tag in NO_TEXT and self._depth > 0

    def handle_data(self, data: str) -> None:
        """Take what is read."""
        if self._depth == 0:
            self.texts.append(data)
