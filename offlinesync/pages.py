"""What the browser fetches by itself: the service worker, the client script and the offline page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import get_script_prefix
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from . import scripts

JAVASCRIPT = "text/javascript; charset=utf-8"
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
    script = scripts.client_script()
    current = digest == scripts.digest_of(script)
    caching = f"max-age={ONE_YEAR}, immutable" if current else "no-store"
    return HttpResponse(script, content_type=JAVASCRIPT, headers={"Cache-Control": caching})


@login_not_required
@require_safe
@cache_control(no_cache=True)
def offline(request: HttpRequest) -> HttpResponse:
    """The page for every address that is not kept. It is rendered for nobody, because anybody may see it (P8)."""
    request.user = AnonymousUser()
    return render(request, "offlinesync/offline.html")
