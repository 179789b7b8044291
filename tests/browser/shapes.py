"""URLs of a demo, and a page whose forms come and go as those of sites do; its view writes down what it is sent."""

from __future__ import annotations

import json
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template import engines
from django.urls import include, path

from offlinesync import offline_view

FORM = """{% load offlinesync %}
<form method="post" action="/shapes/" {% offline_form "shape" target="/shapes/" %}>
  {% csrf_token %}<input name="words"><button type="submit">Send</button>
</form>"""
PAGE = """{% load offlinesync %}<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Shapes</title>{% offlinesync %}</head>
<body><main>
<div id="inserted"></div>
<dialog>{{ form }}<form method="dialog"><button>Close</button></form></dialog>
<div id="editor"><form method="post" {% offline_form "shape" %}>
  {% csrf_token %}<input type="hidden" name="words"><div contenteditable>Rich</div><button type="submit">Send</button>
</form></div>
<form id="search" action="/api/posts/"><input name="search"><button type="submit">Search</button></form>
</main></body>
</html>"""


def render(request: HttpRequest, source: str, **context: str) -> HttpResponse:
    """A template that stands here."""
    response = HttpResponse(engines["django"].from_string(source).render(context, request))
    # Trusted Types, which the demo demands, do not let a page insert markup as most sites do.
    response.headers["Content-Security-Policy"] = "default-src 'self'"
    return response


def shapes(request: HttpRequest) -> HttpResponse:
    """The page; what is posted is written down."""
    if request.method == "POST":
        with (Path(settings.DATA_DIR) / "words.jsonl").open("a") as log:
            log.write(json.dumps(request.POST.getlist("words")) + "\n")
        return redirect("/offlinesync/offline/")
    form = engines["django"].from_string(FORM).render({}, request)
    return render(request, PAGE, form=form)


def fragment(request: HttpRequest) -> HttpResponse:
    """A form for a page that is there already."""
    return render(request, FORM)


urlpatterns = [
    path("shapes/", offline_view(shapes, name="shape")),
    path("shapes/fragment/", fragment),
    path("", include("demo_site.urls")),
]
