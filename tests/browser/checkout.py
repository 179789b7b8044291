"""URLs of a demo, and the handler of what a script hands over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path
from django.utils import timezone, translation
from rest_framework.permissions import AllowAny

import offlinesync
from offlinesync.submissions import IncomingSubmission
from tests.docs import files_of

PAGE = """{% load offlinesync %}<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Checkout</title>{% offlinesync %}</head><body></body></html>"""
DOCUMENTED = """<body><button id="checkout" disabled>Order</button><p id="said" role="status"></p>
<script src="/documented.js" defer></script>"""


@offlinesync.register("checkout")
class CheckoutHandler(offlinesync.Handler):
    """Writes down what it is given; without items there is nothing to sell."""

    permission_classes = [AllowAny]

    def validate(self, submission: IncomingSubmission) -> dict[str, Any]:
        """What is written down."""
        if not (submission.data.get("items") or submission.data.get("lines")):
            raise offlinesync.Rejected({"items": "The cart is empty."})
        files = {name: [file.read().decode() for file in files] for name, files in submission.files_dict.lists()}
        page = [translation.get_language(), str(timezone.get_current_timezone())]
        return {"data": submission.data, "files": files, "target": submission.target, "page": page}

    def save(self, order: dict[str, Any], submission: IncomingSubmission) -> dict[str, Any]:
        """Write it down."""
        with (Path(settings.DATA_DIR) / "orders.jsonl").open("a") as log:
            log.write(json.dumps(order) + "\n")
        return {"url": "/checkout/", "key": "1"}


def checkout(request: HttpRequest) -> HttpResponse:
    """A page without a form."""
    return HttpResponse(engines["django"].from_string(PAGE).render({}, request))


def documented(request: HttpRequest) -> HttpResponse:
    """A page with the script of the documentation."""
    page = PAGE.replace("<body>", DOCUMENTED)
    return HttpResponse(engines["django"].from_string(page).render({}, request))


def script(request: HttpRequest) -> HttpResponse:
    """The script of the documentation."""
    return HttpResponse(files_of("from-a-script.md")["notes/static/notes/checkout.js"], "text/javascript")


urlpatterns = [
    path("checkout/", checkout),
    path("documented/", documented),
    path("documented.js", script),
    path("", include("demo_site.urls")),
]
