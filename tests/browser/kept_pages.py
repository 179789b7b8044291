"""Pages for the tests of how pages are kept: each shows what stands in a file of the demo's data folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import engines
from django.urls import include, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import etag, last_modified
from django.views.generic import TemplateView

from offlinesync.strategies import OfflinePageMixin, offline_page

PAGE = """{% extends "base.html" %}
{% block title %}Kept{% endblock %}
{% block content %}
<h1>{{ text }}</h1>
<script type="application/json" nonce="{{ nonce }}">{}</script>
<form method="post" action="/kept/echo/">
  {% csrf_token %}<input name="words"><button type="submit" name="pressed" value="yes">Post</button>
</form>
{% endblock %}"""


def text_file() -> Path:
    """Where the pages' text stands."""
    return Path(settings.DATA_DIR) / "kept.txt"


def text() -> str:
    """What the pages show now."""
    file = text_file()
    return file.read_text() if file.exists() else "The first version"


def page(request: HttpRequest, **kwargs: object) -> HttpResponse:
    """A page with the text, and a nonce of its own each time."""
    return HttpResponse(engines["django"].from_string(PAGE).render({"text": text(), "nonce": token_hex()}, request))


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    """The page, in pieces."""

    def pieces() -> Iterator[str]:
        content = page(request).content.decode()
        yield content[:100]
        yield content[100:]

    return StreamingHttpResponse(pieces())


def flashing(request: HttpRequest) -> HttpResponse:
    """The page, with a message for one moment."""
    messages.info(request, "It was for this moment")
    response = page(request)
    # It has been shown.
    list(messages.get_messages(request))
    return response


def large(request: HttpRequest, number: int) -> HttpResponse:
    """The page, with two megabytes of what no compression makes smaller."""
    response = page(request)
    response.write(f"<!-- {token_hex(1024 * 1024)} -->")
    return response


def echo(request: HttpRequest) -> HttpResponse:
    """What a form has posted, once Django's CSRF check has let it in."""
    return HttpResponse(f"<title>Echo</title><p>{request.POST['words']}, {request.POST.get('pressed')}</p>")


class Mixed(OfflinePageMixin, TemplateView):
    """A class-based view."""

    offline_strategy = "cache-first"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page."""
        return page(request)


def tag_of(request: HttpRequest) -> str:
    """An entity tag that goes by the text alone."""
    return f'"{sha256(text().encode()).hexdigest()}"'


def modified(request: HttpRequest) -> Any:
    """When the text was written."""
    file = text_file()
    return datetime.fromtimestamp(file.stat().st_mtime if file.exists() else 0, UTC)


kept = [
    path("first/", offline_page("network-first")(page)),
    path("stale/", offline_page("stale-while-revalidate")(page)),
    path("seldom/", Mixed.as_view()),
    path("never/", offline_page("network-only")(page)),
    path("plain/", page),
    path("private/", never_cache(offline_page()(page))),
    path("streamed/", offline_page()(streamed)),
    path("flash/", offline_page()(flashing)),
    path("tagged/", etag(tag_of)(offline_page("stale-while-revalidate")(page))),
    path("dated/", last_modified(modified)(offline_page("stale-while-revalidate")(page))),
    path("one-of/<int:number>/", offline_page()(page)),
    path("large/<int:number>/", offline_page()(large)),
    path("echo/", echo),
]

urlpatterns = [path("kept/", include(kept)), path("", include("demo_site.urls"))]
