"""The answers to a whole request of which nothing is applied."""

from __future__ import annotations

from rest_framework import status
from rest_framework.exceptions import APIException

# A device that finds the site down tries again after so many seconds, and no
# button brings it back sooner: long enough to recover in, short enough to wait.
RETRY_AFTER = 10


class Refused(APIException):
    """Answered as ``{"code", "detail"}``; a number in ``wait`` as ``Retry-After``."""

    wait: int | None = None


class Malformed(Refused):
    """What was sent does not follow the protocol."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "malformed"
    default_detail = "The request does not follow the protocol."


class UnsupportedProtocol(Refused):
    """The client is newer than the site."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "unsupported_protocol"
    default_detail = "This site does not speak the protocol's version the batch is written in. Reload the page."


class CsrfFailed(Refused):
    """The CSRF check of Django has failed."""

    status_code = status.HTTP_403_FORBIDDEN
    default_code = "csrf_failed"
    default_detail = "The CSRF check failed. Fetch the session and send its token in the header it names."


class NotAuthenticated(Refused):
    """The batch belongs to somebody, and nobody is signed in."""

    status_code = status.HTTP_403_FORBIDDEN
    default_code = "not_authenticated"
    default_detail = "Nobody is signed in. Sign in as the owner of the batch."


class OwnerChanged(Refused):
    """The batch belongs to somebody other than who is signed in."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "owner_changed"
    default_detail = "Somebody else is signed in. Sign in as the owner of the batch."


class TooLarge(Refused):
    """The request is beyond a limit of the site."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = "The request is too large. Send less at once."


class Unavailable(Refused):
    """The site cannot answer now."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"
    default_detail = "The site cannot take submissions at the moment. Try again later."
    wait = RETRY_AFTER


class Interrupted(Unavailable):
    """The body ended early: the fault of the connection, not of what was sent."""

    default_detail = "The request broke off before its end. Send it again."
    wait = 1
