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
from django.template import Context, TemplateDoesNotExist, TemplateSyntaxError
from django.template.loader import get_template
from django.utils import timezone, translation
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from .. import registry
from ..conf import app_settings
from ..refusals import refusal_by
from ..scripts import client_url, entry_url, style_url
from ..strategies import strategy_of
from ..submissions import IncomingSubmission, owner_of
from ..texts import texts_url
from ..viewrequest import SubmissionRequest, environ_of

logger = logging.getLogger("offlinesync")
register = template.Library()


@register.inclusion_tag("offlinesync/head.html", takes_context=True)
def offlinesync(context: Context, *, script: bool = True, style: bool = True) -> dict[str, Any]:
    """What the ``<head>`` of each page needs: whose page it is, and where the client, its texts and its styles are.

    With ``script=False`` it loads nothing, and ``{% offlinesync_script %}`` does, at the end of ``<body>``. With
    ``style=False`` the look of everything is left to the site.
    """
    visitor = Visitor.of(context, "offlinesync")
    if visitor is None:
        return {}
    return {
        "client_url": client_url(),
        "texts_url": texts_url(),
        "style_url": style_url() if style else None,
        "entry_url": entry_url() if script else None,
        "owner": visitor.owner,
        "account": str(visitor.user) if visitor.owner else None,
        "language": translation.get_language(),
        "time_zone": _time_zone(),
        "keep": _keep(visitor.request),
    }


@register.inclusion_tag("offlinesync/script.html", takes_context=True)
def offlinesync_script(context: Context) -> dict[str, Any]:
    """The script of ``{% offlinesync script=False %}``, where it takes the place of nothing that the page shows.

    A browser asks a site that speaks HTTP/1.1 for six things at a time, and for those first that come first.
    """
    return {} if Visitor.of(context, "offlinesync_script") is None else {"entry_url": entry_url()}


def _time_zone() -> str | None:
    """The name of the page's time zone; None: it is an offset, which has none."""
    return getattr(timezone.get_current_timezone(), "key", None)


def _keep(request: HttpRequest) -> str | None:
    """How the page says that it is to be kept; None: only where ``PAGES`` names it."""
    # A message such as "Goodbye, Anna" is for one moment, and a page that shows it is not for another (P8).
    return "no" if len(get_messages(request)) > 0 else strategy_of(request)


@register.inclusion_tag("offlinesync/status.html")
def offline_status() -> dict[str, Any]:
    """The place where the page says what has become of the visitor's words; without it, it stands before the form."""
    return {}


@register.inclusion_tag("offlinesync/outbox.html")
def offline_outbox() -> dict[str, Any]:
    """The place of the list of what is kept on the device; without it, the list stands behind the status."""
    return {}


@register.inclusion_tag("offlinesync/pending_place.html", takes_context=True)
def offline_pending(
    context: Context,
    name: str,
    target: Any = None,
    *,
    template: str = "offlinesync/pending.html",
    oldest_first: bool = False,
) -> dict[str, Any]:
    """The place, inside a list of the site's own, of what the visitor has saved for it and the site does not have yet.

    ``name`` is the one that the form's handler is registered under, ``target`` what the
    entries must be about, unless all of that form are wanted, ``template`` what each is
    shown with: it is rendered once, and the script puts what was written into it. The
    newest stands first, or with ``oldest_first`` the oldest. As soon as the site has
    one, the page is fetched anew, and the real one takes its place.
    """
    _registered("offline_pending", name)
    try:
        item = get_template(template)
    except TemplateDoesNotExist as error:
        raise TemplateSyntaxError(
            f"{{% offline_pending {name!r} template={template!r} %}}: there is no such template. Write it, with one "
            "element that holds everything, or leave template= out."
        ) from error
    return {
        "name": name,
        "target": None if target is None else str(target),
        "order": "oldest-first" if oldest_first else "newest-first",
        # Another template engine than Django's gives a plain text.
        "item": mark_safe(item.render({}, getattr(context, "request", None))),
    }


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
    object: Any = None,
    skip: str | None = None,
    refs: str | None = None,
    label: str | None = None,
    drafts: bool = False,
    offline: bool = True,
) -> SafeString:
    """The attributes of a ``<form>`` that is to work offline.

    ``name`` is the one its handler is registered under. ``target`` says what is
    edited or answered (the path of the page, unless given; for a view, the address
    that the form is posted to), ``object`` the object that the form shows, so that nobody's later
    changes of it are overwritten, ``group`` which entries must be applied in their
    order, ``skip`` the names of buttons, with spaces between them, that post the form
    plainly, ``refs`` likewise the fields in which the id of an entry may stand for the
    object that it makes, ``label`` what visitors call what they fill in, unless it is
    what the handler says. With ``drafts=True`` what is typed is kept on the device
    before it is sent, and offered again after a crash. With ``offline=False`` it is a
    plain form as a whole, and so it is where the app is switched off, and for a visitor
    whom the handler would refuse.
    """
    _registered("offline_form", name)
    visitor = Visitor.of(context, "offline_form") if app_settings.ENABLED and offline else None
    if visitor is None:
        return SafeString()
    # A name that the template does not know is an empty text there.
    object = None if object == "" else object
    if target is None:
        target = registry.get(name).get_target(visitor.request) if object is None else object.pk
    target = str(target)
    if not visitor.may_send(name, target, group):
        return SafeString()
    version = None
    if object is not None:
        version = visitor.version(name, object, target)
        if version is None:
            return SafeString()
    time_zone = _time_zone()
    if time_zone is None:
        # An offset has no name by which the server could find it again (row C11): a plain form.
        return SafeString()
    attributes = {
        "form": name,
        "label": registry.get(name).get_label() if label is None else label,
        "language": translation.get_language(),
        "time-zone": time_zone,
        "target": target,
        "group": group,
        "base-version": version,
        "skip": skip,
        "refs": refs,
        "drafts": "" if drafts else None,
    }
    present = [(key, value) for key, value in attributes.items() if value is not None]
    return format_html_join(" ", 'data-offlinesync-{}="{}"', present)


def _registered(tag: str, name: str) -> None:
    if registry.handler_class(name) is not None:
        return
    known = ", ".join(repr(other) for other in registry.names()) or "none"
    raise TemplateSyntaxError(
        f"{{% {tag} {name!r} %}}: no handler is registered under that name (registered: {known}). "
        f"Write one in the offline.py of an installed app, @offlinesync.register({name!r}), or give the name to "
        f"the form's view in its urls.py: offline_view(view, name={name!r})."
    )


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
        try:
            return registry.get(name).has_permission(self._probe(name, target, group))
        except Exception as error:
            if refusal_by(error) is None:
                raise
            return False

    def version(self, name: str, edited: Any, target: str) -> str | None:
        """What the form shows of the object that it edits; None: the handler would not let the visitor edit it."""
        handler = registry.get(name)
        if not hasattr(handler, "get_version"):
            raise TemplateSyntaxError(
                f"{{% offline_form {name!r} object=… %}} is for the form of a FormHandler, and {name!r} is answered "
                f"by {type(handler).__qualname__}. Leave object= out."
            )
        try:
            # A form that was posted plainly, and refused, has written into the view's object.
            is_as_it_was = self.request.method in ("GET", "HEAD")
            return handler.get_version(edited if is_as_it_was else None, self._probe(name, target, None))
        except Exception as error:
            if refusal_by(error) is None:
                raise
            return None

    def _probe(self, name: str, target: str, group: str | None) -> IncomingSubmission:
        return IncomingSubmission(
            id=uuid.UUID(int=0),
            form=name,
            user=self.user,
            target=target,
            group=group,
            environ=environ_of(self.request),
        )


def _request(context: Context, tag: str) -> HttpRequest | None:
    """The request. Django renders ``500.html`` without one, and that page must not fail because of us (P9)."""
    # The attribute first: a variable of that name may be anything, and inclusion tags do not hand it on.
    request = getattr(context, "request", None) or context.get("request")
    # What REST framework's TemplateHTMLRenderer gives a template.
    request = getattr(request, "_request", request)
    if isinstance(request, HttpRequest):
        return request
    if settings.DEBUG:
        raise TemplateSyntaxError(
            f"{{% {tag} %}} needs the request: render the template with render(request, …), or add "
            "'django.template.context_processors.request' to the context processors in TEMPLATES."
        )
    return None
