"""What a device asks before it sends."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.middleware.csrf import get_token
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ..conf import app_settings
from ..submissions import owner_of
from .authentication import CsrfCheck
from .policy import ProtocolMixin
from .serializers import PROTOCOL


class SessionView(ProtocolMixin, APIView):
    """Who is signed in, the token to send with, and the limits of the site."""

    http_method_names = ["get", "head"]

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The session, together with the cookie its token belongs to."""
        csrf = CsrfCheck()
        if "CSRF_COOKIE" not in request._request.META:
            # No CSRF middleware has read the cookie before.
            csrf.process_request(request._request)
        response = Response(self.get_session(request))
        csrf.process_response(request._request, response)
        return response

    def get_session(self, request: Request) -> dict[str, Any]:
        """What the device is told."""
        return {
            "protocol": PROTOCOL,
            "csrf_token": get_token(request._request),
            "csrf_header": csrf_header(),
            "owner": owner_of(request.user) or None,
            "login_url": login_url(),
            "max_submissions": app_settings.MAX_SUBMISSIONS,
            "max_bytes": app_settings.MAX_BYTES,
            "max_submission_bytes": app_settings.MAX_SUBMISSION_BYTES,
            "part_bytes": app_settings.UPLOADS["PART_BYTES"],
        }


def csrf_header() -> str:
    """The name of the header Django looks for the token in."""
    name = settings.CSRF_HEADER_NAME
    if name == "HTTP_X_CSRFTOKEN":
        return "X-CSRFToken"
    return name.removeprefix("HTTP_").replace("_", "-").title()


def login_url() -> str | None:
    """Where to sign in, or None on a site that has no such page."""
    if not settings.LOGIN_URL:
        return None
    try:
        return resolve_url(settings.LOGIN_URL)
    except NoReverseMatch:
        return None
