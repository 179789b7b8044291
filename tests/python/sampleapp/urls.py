"""URLs for tests that must not depend on the demo's."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def page(request: HttpRequest, **kwargs: object) -> HttpResponse:
    """Any page."""
    return HttpResponse("a page")


offlinesync_patterns = ([path("submissions/", page, name="submissions")], "offlinesync")

urlpatterns = [
    path("admin/", admin.site.urls),
    path("a-page/", page, name="a page"),
    path("a-page/<int:pk>/", page, name="a page with an argument"),
    path("offlinesync/", include(offlinesync_patterns)),
]
