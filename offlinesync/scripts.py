"""The two scripts that Django renders: the page's client and the service worker.

They alone import the modules in ``static/offlinesync/``, by the names that the
site's static storage gives them, so that a site needs no build step. The one
module that a page names itself is the entry, which loads the client when the page
is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core.exceptions import ImproperlyConfigured
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.safestring import SafeString, mark_safe

from .conf import app_settings

CLIENT_MODULES = (
    "activity",
    "acts",
    "backup",
    "connection",
    "controls",
    "correcting",
    "database",
    "delivery",
    "documents",
    "drafts",
    "elements",
    "entries",
    "errors",
    "fields",
    "forms",
    "formstates",
    "freshness",
    "greeting",
    "leaving",
    "listing",
    "messages",
    "offers",
    "outbox",
    "ownership",
    "pending",
    "pictures",
    "posting",
    "reasons",
    "refusal",
    "registration",
    "renewal",
    "room",
    "sessions",
    "shelf",
    "signout",
    "status",
    "submitting",
    "tokens",
    "trace",
    "transport",
    "triggers",
    "uploads",
)
WORKER_MODULES = (
    "caching",
    "database",
    "delivery",
    "entries",
    "keeping",
    "outbox",
    "ownership",
    "reading",
    "sessions",
    "shelf",
    "transport",
    "triggers",
    "uploads",
)
ENTRY_MODULE = "entry"
DIGEST_LENGTH = 16

# What ends a script element, or a line for older parsers, must not stand in a value (row D8).
_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def js_literal(value: Any) -> SafeString:
    """The value as a JavaScript literal that is safe in a script and in HTML."""
    return mark_safe(json.dumps(value).translate(_ESCAPES))


def mount_path() -> str:
    """The path where the site includes ``offlinesync.urls``: it tells two sites of one origin apart (row D10)."""
    try:
        return reverse("offlinesync:session").removesuffix("session/")
    except NoReverseMatch as error:
        raise ImproperlyConfigured(
            "The URLs of offlinesync are not included. Add to your urlpatterns, outside of i18n_patterns: "
            'path("offlinesync/", include("offlinesync.urls")).'
        ) from error


def client_url() -> str:
    """The URL of the client script; it carries the script's digest, and its content never changes."""
    return reverse("offlinesync:client", args=[digest_of(client_script())])


def entry_url() -> str:
    """The URL of the script that each page with ``{% offlinesync %}`` names."""
    return _module_url(ENTRY_MODULE)


def style_url() -> str:
    """The URL of the style sheet, which the entry applies once the page is there."""
    return static("offlinesync/offlinesync.css")


def client_script() -> str:
    """The script that a page with ``{% offlinesync %}`` has its entry load."""
    config = {
        "mount": mount_path(),
        "scope": get_script_prefix(),
        "worker": reverse("offlinesync:serviceworker"),
        "enabled": app_settings.ENABLED,
        "replaces": list(app_settings.REPLACES_WORKERS),
        "refreshAfter": app_settings.REFRESH_AFTER * 1000,
        "staticIsHashed": static_is_hashed(),
    }
    return _render("offlinesync/client.js", config, CLIENT_MODULES)


def worker_script() -> str:
    """The script of the service worker: the one that takes itself away, where the app is switched off."""
    if not app_settings.ENABLED:
        return _render("offlinesync/serviceworker_off.js", {"mount": mount_path()}, ())
    modules = {name: _module_url(name) for name in {ENTRY_MODULE, *CLIENT_MODULES, *WORKER_MODULES}}
    config = {
        "mount": mount_path(),
        "pages": page_paths(),
        "offlinePage": reverse("offlinesync:offline"),
        "client": client_url(),
        "modules": sorted(modules.values()),
        "staticUrl": static_url(),
        "staticIsHashed": static_is_hashed(),
        "networkTimeout": app_settings.NETWORK_TIMEOUT * 1000,
        "refreshAfter": app_settings.REFRESH_AFTER * 1000,
        "limits": {name: _limits(limits) for name, limits in app_settings.CACHES.items()},
    }
    return _render("offlinesync/serviceworker.js", config, WORKER_MODULES)


def _limits(limits: Mapping[str, int | None]) -> dict[str, int | None]:
    """As the worker reads them: an age in milliseconds."""
    age = limits["MAX_AGE"]
    return {"maxEntries": limits["MAX_ENTRIES"], "maxAge": None if age is None else age * 1000}


def digest_of(script: str) -> str:
    """What names a script's content in a URL."""
    return hashlib.sha256(script.encode()).hexdigest()[:DIGEST_LENGTH]


def page_paths() -> list[str]:
    """The paths of the pages that ``OFFLINESYNC["PAGES"]`` names.

    Raises ``NoReverseMatch`` for a name that no URL has; a system check finds
    it before a visitor does.
    """
    return [_page_path(page) for page in app_settings.PAGES]


def _page_path(page: str) -> str:
    if page.startswith("/"):
        return page
    try:
        return reverse(page)
    except NoReverseMatch as error:
        raise NoReverseMatch(
            f'OFFLINESYNC["PAGES"] names {page!r}, which is no URL name without arguments. '
            "Name one, or write a path that begins with a slash."
        ) from error


def static_url() -> str:
    """Where the static files lie, as the storage says: a path from the root, or with a host of its own."""
    return _module_url("outbox").rpartition("offlinesync/outbox")[0]


def static_is_hashed() -> bool:
    """Whether a static file's name changes with its content, so that a kept copy is never stale."""
    if settings.DEBUG or not apps.is_installed("django.contrib.staticfiles"):
        return False
    return isinstance(staticfiles_storage, ManifestFilesMixin)


def static_origin() -> str | None:
    """The origin of the modules, where it is not the site's own: a storage may have another than ``STATIC_URL``."""
    parts = urlsplit(static_url())
    return f"{parts.scheme or 'https'}://{parts.netloc}" if parts.netloc else None


def _module_url(name: str) -> str:
    return static(f"offlinesync/{name}.js")


def _render(template: str, config: dict[str, Any], names: tuple[str, ...]) -> str:
    modules = {name: _module_url(name) for name in names}
    render = _render_script if settings.DEBUG else _render_script_once
    return render(template, json.dumps(config), json.dumps(modules))


def _render_script(template: str, config: str, modules: str) -> str:
    literals = {name: js_literal(url) for name, url in json.loads(modules).items()}
    return render_to_string(template, {"config": js_literal(json.loads(config)), "modules": literals})


# Every page names the client by its digest, and should not wait for a template each time (P9).
_render_script_once = lru_cache(maxsize=64)(_render_script)
