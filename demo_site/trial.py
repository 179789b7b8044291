"""The second switch of the panel "Try it": for one browser the server refuses, is slow or answers 503.

The panel's script says which in a cookie. So nobody else is concerned, and what the
service worker delivers is treated as what the pages deliver. This is for a demo: a site
that people rely on lets nobody make it wait.
"""

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _

import offlinesync
from offlinesync.submissions import IncomingSubmission

COOKIE = "demo-server"
SLOW_SECONDS = 8
RETRY_AFTER_SECONDS = 10

# A request that waits holds one of the server's threads, and others are to find one.
_waiting = threading.BoundedSemaphore(4)
_behaviour: ContextVar[str] = ContextVar("behaviour", default="")


class TrialMiddleware:
    """Do with what a browser sends as its cookie says: ``refuse``, ``slow`` or ``503``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = _behaviour.set(request.COOKIES.get(COOKIE, ""))
        try:
            return self.get_response(request)
        finally:
            _behaviour.reset(token)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Hold up or turn away what somebody has written."""
        if not brings_words(request):
            return None
        if _behaviour.get() == "503":
            return unavailable()
        if _behaviour.get() == "slow" and _waiting.acquire(blocking=False):
            try:
                time.sleep(SLOW_SECONDS)
            finally:
                _waiting.release()
        return None


def brings_words(request: HttpRequest) -> bool:
    """Whether it is a delivery, or a form of one of the demo's apps: signing in and the administration go on."""
    match = request.resolver_match
    return request.method == "POST" and match is not None and match.namespace not in ("", "admin")


def unavailable() -> HttpResponse:
    """What a server says that is being restarted, or has too much to do."""
    return HttpResponse(
        _("The server answers 503, as it was told to under “Try it”. Go back, let it be as it is, and send again."),
        status=503,
        content_type="text/plain; charset=utf-8",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


class Refusable(offlinesync.Handler):
    """A handler that refuses what it would have taken, for a browser whose server is told to refuse.

    It stands before the handler's own base: ``class PostHandler(Refusable, offlinesync.FormHandler)``.
    """

    #: Where the refusal is shown: a field, by the name that it has in the page.
    refused_field: str

    def validate(self, submission: IncomingSubmission) -> Any:
        """What the handler itself finds comes first."""
        validated = super().validate(submission)
        if _behaviour.get() == "refuse":
            message = _(
                "The server was told to refuse this under “Try it”. Let it be as it is again, and send once more."
            )
            raise offlinesync.Rejected({self.refused_field: message})
        return validated
