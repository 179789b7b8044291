"""Include these under a path of your own, outside of ``i18n_patterns``::

path("offlinesync/", include("offlinesync.urls"))
"""

from __future__ import annotations

from django.urls import path

from . import pages
from .api.uploads import PartView
from .api.views import SessionView
from .api.viewset import SubmissionViewSet

app_name = "offlinesync"

urlpatterns = [
    path("session/", SessionView.as_view(), name="session"),
    path("submissions/", SubmissionViewSet.as_view({"post": "create"}), name="submissions"),
    path("parts/", PartView.as_view(), name="parts"),
    path("serviceworker.js", pages.serviceworker, name="serviceworker"),
    path("client.<slug:digest>.js", pages.client, name="client"),
    path("texts.<str:language>.<slug:digest>.html", pages.texts, name="texts"),
    path("offline/", pages.offline, name="offline"),
]
