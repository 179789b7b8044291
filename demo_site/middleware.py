"""The demo's Content-Security-Policy, as strict as one can be, to show that `offlinesync` works under it."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "connect-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "worker-src 'self'",
)
TRUSTED_TYPES = ("require-trusted-types-for 'script'", "trusted-types offlinesync")


class ContentSecurityPolicyMiddleware:
    """Send the policy with every response that does not bring its own, as the service worker's does (row D8)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy_for(request))
        return response


def policy_for(request: HttpRequest) -> str:
    """The policy of one page. Django's admin comes with jQuery, which Trusted Types stop."""
    in_admin = request.path_info.startswith(reverse("admin:index"))
    directives = POLICY if in_admin else POLICY + TRUSTED_TYPES
    if settings.CSP_REPORT_URI:
        directives += (f"report-uri {settings.CSP_REPORT_URI}",)
    return "; ".join(directives)
