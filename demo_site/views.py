"""What the demo serves beside its posts: media files, the sign-out page and, for tests, policy reports."""

import threading

from django.conf import settings
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from django.views.static import serve

ONE_WEEK = 7 * 24 * 60 * 60

_reports_lock = threading.Lock()


def media(request: HttpRequest, path: str) -> HttpResponseBase:
    """An uploaded file. A real site would let its web server do this."""
    response = serve(request, path, document_root=settings.MEDIA_ROOT)
    # No name is used twice, so the browser's own cache can show the photos of a page that is kept offline.
    patch_cache_control(response, max_age=ONE_WEEK, immutable=True)
    return response


class SignOutView(LogoutView):
    """Ask on GET, sign out on POST."""

    http_method_names = ["get", "post", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return TemplateResponse(request, "registration/sign_out.html")


@csrf_exempt
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    """Append a browser's report, one JSON document a line, to ``csp-reports.jsonl`` in the data folder."""
    line = b" ".join(request.body.splitlines()) + b"\n"
    with _reports_lock, open(settings.DATA_DIR / "csp-reports.jsonl", "ab") as file:
        file.write(line)
    return HttpResponse(status=204)
