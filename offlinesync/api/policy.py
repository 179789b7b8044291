"""What both endpoints share: JSON whatever happens, and nothing of the site's DRF defaults."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.db import InterfaceError, OperationalError, connections, transaction
from django.http import Http404
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from ..redaction import redacted
from ..submissions import owner_of
from .authentication import SessionAuthentication
from .exceptions import RETRY_AFTER, Malformed, NotAuthenticated, OwnerChanged, TooLarge, Unavailable

logger = logging.getLogger("offlinesync")


class AsciiJSONRenderer(JSONRenderer):
    """JSON that a browser can always read, whatever a site or a visitor has put in.

    Escaped, because half of a surrogate pair cannot be encoded otherwise.
    """

    charset = None
    compact = True
    ensure_ascii = True
    strict = True


class FixedNegotiation(BaseContentNegotiation):
    """One representation, whatever ``Accept`` says; the parser goes by the media type alone."""

    def select_parser(self, request: Request, parsers: Sequence[BaseParser]) -> BaseParser | None:
        """The parser of the body's media type."""
        media_type = request.content_type.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    def select_renderer(
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first renderer."""
        return renderers[0], renderers[0].media_type


class ProtocolMixin:
    """The policy of an endpoint, spelt out so that ``REST_FRAMEWORK`` changes none of it."""

    authentication_classes = [SessionAuthentication]
    permission_classes = [AllowAny]
    throttle_classes: list[Any] = []
    renderer_classes = [AsciiJSONRenderer]
    parser_classes: list[Any] = []
    content_negotiation_class = FixedNegotiation
    versioning_class = None
    metadata_class = None
    schema = None

    @classmethod
    def as_view(cls, *args: Any, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        """The view, outside ``ATOMIC_REQUESTS``: each submission has a transaction of its own."""
        view = super().as_view(*args, **initkwargs)
        for alias in connections:
            transaction.non_atomic_requests(using=alias)(view)
        return view

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Render here, where a failure can still be answered in JSON; keep it out of every cache."""
        response = super().finalize_response(request, response, *args, **kwargs)
        try:
            response.render()
        except (TypeError, ValueError, RecursionError) as error:
            response = super().finalize_response(request, self.handle_exception(error), *args, **kwargs)
        # no-store and more: earlier cache middleware of Django stores what says that alone.
        add_never_cache_headers(response)
        return response

    def handle_exception(self, exc: Exception) -> Response:
        """Whatever happened, as ``{"code", "detail"}``."""
        refusal = self.get_refusal(exc)
        response = Response(
            {"code": _code(refusal), "detail": _detail(refusal)},
            status=refusal.status_code,
            headers=_retry_after(refusal),
        )
        response.exception = True
        return response

    def get_refusal(self, exc: Exception) -> exceptions.APIException:
        """The answer to an exception; what nobody has foreseen is logged."""
        if isinstance(exc, exceptions.APIException):
            return exc
        if isinstance(exc, Http404):
            return exceptions.NotFound()
        if isinstance(exc, PermissionDenied):
            return exceptions.PermissionDenied()
        if isinstance(exc, (RequestDataTooBig, TooManyFieldsSent)):
            return TooLarge()
        if isinstance(exc, SuspiciousOperation):
            return Malformed()
        logger.error("Could not answer %s %s", self.request.method, self.request.path, exc_info=redacted(exc))
        # OSError: no room for an upload, or a cache that does not answer.
        if isinstance(exc, (OperationalError, InterfaceError, OSError)):
            return Unavailable()
        return exceptions.APIException(
            "The site failed to answer; its log says why. Nothing is lost, try again later.", code="server_error"
        )


class SubmitterMixin:
    """In whose name a request may send."""

    def get_submitter(self, request: Request, owner: str | None) -> AbstractBaseUser | AnonymousUser:
        """The user that something is brought in for: its owner, or nobody at all (rows D1, D2).

        What has no owner is an anonymous visitor's, whoever is signed in now.
        """
        if owner is None:
            return AnonymousUser()
        if not request.user.is_authenticated:
            raise NotAuthenticated
        if owner_of(request.user) != owner:
            raise OwnerChanged
        return request.user


def _code(refusal: exceptions.APIException) -> str:
    return str(getattr(refusal.detail, "code", refusal.default_code))


def _detail(refusal: exceptions.APIException) -> str:
    # A site's own exception may carry a dict or a list of errors.
    return str(refusal.detail if isinstance(refusal.detail, str) else refusal.default_detail)


def _retry_after(refusal: exceptions.APIException) -> Mapping[str, str]:
    if refusal.status_code not in (429, 503):
        return {}
    wait = getattr(refusal, "wait", None)
    return {"Retry-After": str(max(1, RETRY_AFTER if wait is None else wait))}
