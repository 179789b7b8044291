"""``{% load offlinesync %}``: the head of a page, its forms, and where their status is said."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from typing import Any

from django import template
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages import get_messages
from django.core.exceptions import SynchronousOnlyOperation
from django.db import DatabaseError
from django.http import HttpRequest
from django.template import Context, TemplateSyntaxError
from django.utils import timezone, translation
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from .. import registry
from ..conf import app_settings
from ..refusals import refusal_by
from ..scripts import client_url, entry_url
from ..strategies import strategy_of
from ..submissions import IncomingSubmission, owner_of
from ..texts import texts_url
from ..viewrequest import SubmissionRequest, environ_of

logger = logging.getLogger("offlinesync")
register = template.Library()


@register.inclusion_tag("offlinesync/head.html", takes_context=True)
def offlinesync(context: Context) -> dict[str, Any]:
    """What the ``<head>`` of each page needs: whose page it is, and where the client and its texts are."""
    visitor = Visitor.of(context, "offlinesync")
    if visitor is None:
        return {}
    return {
        "client_url": client_url(),
        "texts_url": texts_url(),
        "entry_url": entry_url(),
        "owner": visitor.owner,
        "keep": _keep(visitor.request),
    }


def _keep(request: HttpRequest) -> str | None:
    """How the page says that it is to be kept; None: only where ``PAGES`` names it."""
    # A message such as "Goodbye, Anna" is for one moment, and a page that shows it is not for another (P8).
    return "no" if len(get_messages(request)) > 0 else strategy_of(request)


@register.inclusion_tag("offlinesync/status.html")
def offline_status() -> dict[str, Any]:
    """The place where the page says what has become of the visitor's words; without it, it stands before the form."""
    return {}


@register.inclusion_tag("offlinesync/age.html")
def offline_age() -> dict[str, Any]:
    """The place where a page that is shown from the device says how old it is, and that there is a newer one."""
    return {}


@register.simple_tag
def offline_sign_out() -> SafeString:
    """The attribute of the ``<form>`` that signs out: what is kept for its owner goes at once, offline too (P8)."""
    return mark_safe("data-offlinesync-sign-out")


@register.simple_tag(takes_context=True)
def offline_form(
    context: Context,
    name: str,
    target: str | None = None,
    group: str | None = None,
    *,
    skip: str | None = None,
    refs: str | None = None,
    offline: bool = True,
) -> SafeString:
    """The attributes of a ``<form>`` that is to work offline.

    ``name`` is the one its handler is registered under. ``target`` says what is
    edited or answered (the path of the page, unless given; for a view, the address
    that the form is posted to), ``group`` which entries must be applied in their
    order, ``skip`` the names of buttons, with spaces between them, that post the form
    plainly, ``refs`` likewise the fields in which the id of an entry may stand for the
    object that it makes. With ``offline=False`` it is a plain form as a whole, and so it is where
    the app is switched off, and for a visitor whom the handler would refuse.
    """
    if registry.handler_class(name) is None:
        known = ", ".join(repr(other) for other in registry.names()) or "none"
        raise TemplateSyntaxError(
            f"{{% offline_form {name!r} %}}: no handler is registered under that name (registered: {known}). "
            f"Write one in the offline.py of an installed app, @offlinesync.register({name!r}), or give the name to "
            f"the form's view in its urls.py: offline_view(view, name={name!r})."
        )
    visitor = Visitor.of(context, "offline_form") if app_settings.ENABLED and offline else None
    if visitor is None:
        return SafeString()
    target = registry.get(name).get_target(visitor.request) if target is None else str(target)
    if not visitor.may_send(name, target, group):
        return SafeString()
    time_zone = getattr(timezone.get_current_timezone(), "key", None)
    if time_zone is None:
        # An offset has no name by which the server could find it again (row C11): a plain form.
        return SafeString()
    attributes = {
        "form": name,
        "language": translation.get_language(),
        "time-zone": time_zone,
        "target": target,
        "group": group,
        "skip": skip,
        "refs": refs,
    }
    present = [(key, value) for key, value in attributes.items() if value is not None]
    return format_html_join(" ", 'data-offlinesync-{}="{}"', present)


@dataclass(frozen=True)
class Visitor:
    """Whom a page is rendered for."""

    request: HttpRequest
    user: AbstractBaseUser | AnonymousUser
    owner: str

    @classmethod
    def of(cls, context: Context, tag: str) -> Visitor | None:
        """The visitor; None where nobody can say, and the page has to do without us (P9)."""
        request = _request(context, tag)
        if request is None:
            return None
        if isinstance(request, SubmissionRequest):
            request.note_context(context)
        user = getattr(request, "user", None) or AnonymousUser()
        try:
            owner = owner_of(user)
        except (SynchronousOnlyOperation, DatabaseError) as error:
            logger.warning(
                "{%% %s %%} cannot tell whose page %s is, and left it without offline forms: %s. "
                "In an async view, render with sync_to_async.",
                tag,
                request.path,
                error,
            )
            return None
        if owner:
            # A page for somebody is not for the cache that cache_page shares between all (P4). Django's own middleware
            # knows of the session only after it has filled that cache.
            request._cache_update_cache = False
        return cls(request, user, owner)

    def may_send(self, name: str, target: str, group: str | None) -> bool:
        """Whether the handler would take this form from the visitor, as far as can be said before it is filled in."""
        probe = IncomingSubmission(
            id=uuid.UUID(int=0),
            form=name,
            user=self.user,
            target=target,
            group=group,
            environ=environ_of(self.request),
        )
        try:
            return registry.get(name).has_permission(probe)
        except Exception as error:
            if refusal_by(error) is None:
                raise
            return False


def _request(context: Context, tag: str) -> HttpRequest | None:
    """The request. Django renders ``500.html`` without one, and that page must not fail because of us (P9)."""
    # The attribute first: a variable of that name may be anything, and inclusion tags do not hand it on.
    request = getattr(context, "request", None) or context.get("request")
    if isinstance(request, HttpRequest):
        return request
    if settings.DEBUG:
        raise TemplateSyntaxError(
            f"{{% {tag} %}} needs the request: render the template with render(request, …), or add "
            "'django.template.context_processors.request' to the context processors in TEMPLATES."
        )
    return None
