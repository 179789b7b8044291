"""Who sends, and that they mean to."""

from __future__ import annotations

import copy
import logging
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, QueryDict
from django.middleware.csrf import CsrfViewMiddleware
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from .exceptions import CsrfFailed

logger = logging.getLogger("offlinesync")


class CsrfCheck(CsrfViewMiddleware):
    """Django's own check; it returns the reason of a refusal and renders no page."""

    def __init__(self) -> None:
        super().__init__(lambda request: HttpResponse())

    def _reject(self, request: HttpRequest, reason: str) -> str:
        return reason


class SessionAuthentication(BaseAuthentication):
    """Whoever is signed in by Django's session, behind a CSRF check for everybody.

    DRF's class of this name lets anonymous visitors past that check (row D4).
    """

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser | AnonymousUser, None]:
        """Check the token, and return the user without loading them yet."""
        self.enforce_csrf(request._request)
        # Truth would be a query: the limits of a request are checked before any.
        user = getattr(request._request, "user", None)
        return AnonymousUser() if user is None else user, None

    def enforce_csrf(self, request: HttpRequest) -> None:
        """Raise ``CsrfFailed`` if the token is not in the header."""
        reason = CsrfCheck().process_view(header_only(request), None, (), {})
        if reason is not None:
            logger.warning("Refused at %s: %s", request.path, reason)
            raise CsrfFailed(f"{reason} Fetch the session and send its token in the header it names.")


def header_only(request: HttpRequest) -> Any:
    """A copy of the request as Django's check may see it: without the body.

    A form of another site can fill fields, but no header; and no byte of the
    body is read before its length has been checked (row D4).
    """
    checked = copy.copy(request)
    checked.POST = QueryDict()
    # Somebody before us may have accepted the token of a form field.
    checked.csrf_processing_done = False
    return checked
