"""``{% load offlinesync %}``: the head of a page, its forms, and where their status is said."""

from __future__ import annotations

import uuid
from typing import Any

from django import template
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages import get_messages
from django.http import HttpRequest
from django.template import Context, TemplateSyntaxError
from django.utils import timezone, translation
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from .. import registry
from ..scripts import client_url
from ..submissions import IncomingSubmission, owner_of

register = template.Library()


@register.inclusion_tag("offlinesync/head.html", takes_context=True)
def offlinesync(context: Context) -> dict[str, Any]:
    """What the ``<head>`` of each page needs: whose page it is, the client script, and the texts for the visitor."""
    request = _request(context, "offlinesync")
    if request is None:
        return {}
    return {
        "client_url": client_url(),
        "owner": owner_of(_user(request)),
        # A message such as "Goodbye, Anna" is for one person, and a page that shows it is not for everybody (P8).
        "has_messages": len(get_messages(request)) > 0,
    }


@register.inclusion_tag("offlinesync/status.html")
def offline_status() -> dict[str, Any]:
    """The place where the page says what has become of the visitor's words; without it, it stands before the form."""
    return {}


@register.simple_tag(takes_context=True)
def offline_form(context: Context, name: str, target: str | None = None, group: str | None = None) -> SafeString:
    """The attributes of a ``<form>`` that is to work offline.

    ``name`` is the one its handler is registered under. ``target`` says what is
    edited or answered (the path of the page, unless given), ``group`` which
    entries must be applied in their order. A visitor whom the handler would
    refuse gets no attributes: for them it is a plain form.
    """
    handler = registry.get(name)
    if handler is None:
        known = ", ".join(repr(other) for other in registry.names()) or "none"
        raise TemplateSyntaxError(
            f"{{% offline_form {name!r} %}}: no handler is registered under that name (registered: {known}). "
            f"Write one in the offline.py of an installed app: @offlinesync.register({name!r})."
        )
    request = _request(context, "offline_form")
    if request is None:
        return SafeString()
    probe = IncomingSubmission(id=uuid.UUID(int=0), form=name, user=_user(request))
    if not handler.has_permission(probe):
        return SafeString()
    time_zone = getattr(timezone.get_current_timezone(), "key", None)
    if time_zone is None:
        # An offset has no name by which the server could find it again (row C11): a plain form.
        return SafeString()
    attributes = {
        "form": name,
        "language": translation.get_language(),
        "time-zone": time_zone,
        "target": request.path if target is None else target,
        "group": group,
    }
    present = [(key, value) for key, value in attributes.items() if value is not None]
    return format_html_join(" ", 'data-offlinesync-{}="{}"', present)


def _request(context: Context, tag: str) -> HttpRequest | None:
    """The request. Django renders ``500.html`` without one, and that page must not fail because of us (P9)."""
    request = context.get("request")
    if request is None and settings.DEBUG:
        raise TemplateSyntaxError(
            f"{{% {tag} %}} needs the request: render the template with it, and add "
            "'django.template.context_processors.request' to the context processors in TEMPLATES."
        )
    return request


def _user(request: HttpRequest) -> AbstractBaseUser | AnonymousUser:
    return getattr(request, "user", None) or AnonymousUser()
