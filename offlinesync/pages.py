"""What the browser fetches by itself: the service worker, the client script, its texts and the offline page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import get_script_prefix
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from . import scripts
from .texts import is_known, texts_in

JAVASCRIPT = "text/javascript; charset=utf-8"
HTML = "text/html; charset=utf-8"
ONE_YEAR = 31536000


@login_not_required
@require_safe
@cache_control(no_cache=True)
def serviceworker(request: HttpRequest) -> HttpResponse:
    """The service worker, allowed to serve the whole site though it lies below the app's own path."""
    sources = " ".join(filter(None, ["'self'", scripts.static_origin()]))
    return HttpResponse(
        scripts.worker_script(),
        content_type=JAVASCRIPT,
        headers={
            "Service-Worker-Allowed": get_script_prefix(),
            # It governs what the worker may fetch, whatever the policy of the pages says (row D8).
            "Content-Security-Policy": f"default-src 'none'; script-src {sources}; connect-src {sources}",
        },
    )


@login_not_required
@require_safe
def client(request: HttpRequest, digest: str) -> HttpResponse:
    """The client script. A page from before a deploy that asks for its old one gets today's, which nobody keeps."""
    return _named_by_digest(scripts.client_script(), digest, JAVASCRIPT)


@login_not_required
@require_safe
def texts(request: HttpRequest, language: str, digest: str) -> HttpResponse:
    """The client's texts in a language; like the client after a deploy."""
    if not is_known(language):
        raise Http404(f"There are no texts in {language!r}.")
    return _named_by_digest(texts_in(language), digest, HTML)


def _named_by_digest(content: str, digest: str, content_type: str) -> HttpResponse:
    current = digest == scripts.digest_of(content)
    caching = f"max-age={ONE_YEAR}, immutable" if current else "no-store"
    return HttpResponse(content, content_type=content_type, headers={"Cache-Control": caching})


@login_not_required
@require_safe
@cache_control(no_cache=True)
def offline(request: HttpRequest) -> HttpResponse:
    """The page for every address that is not kept. It is rendered for nobody, because anybody may see it (P8)."""
    request.user = AnonymousUser()
    return render(request, "offlinesync/offline.html")
