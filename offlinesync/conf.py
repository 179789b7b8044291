"""The settings of the app: one dict, ``settings.OFFLINESYNC``.

Read them as ``app_settings.MAX_SUBMISSIONS``. A value is looked up whenever it
is asked for, so that ``override_settings`` holds at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

DEFAULTS: dict[str, Any] = {
    # False: forms are plain forms and no worker stays in any browser, but what waits there is still taken.
    "ENABLED": True,
    # The most submissions one request may carry.
    "MAX_SUBMISSIONS": 100,
    # The most bytes of JSON one request may carry. None: as Django's
    # DATA_UPLOAD_MAX_MEMORY_SIZE.
    "MAX_BYTES": None,
    # The most bytes one submission may have together with its files.
    "MAX_SUBMISSION_BYTES": 50 * 1024 * 1024,
    # Dotted paths of DRF throttles. They count submissions.
    "THROTTLE_CLASSES": [],
    # Views that answer for forms as they are, by the form's name: the names of their URLs.
    "VIEWS": {},
    # The pages to keep for use offline: URL names, or paths from the root.
    "PAGES": [],
    # How pages are kept and shown, by URL name or path: see strategies.py for the names.
    "STRATEGIES": {},
    # Seconds the worker waits for the network before it shows a kept page.
    "NETWORK_TIMEOUT": 4,
    # How much is kept: MAX_ENTRIES at the most (the least recently used go first), none longer than
    # MAX_AGE seconds; None: no such limit. "pages" are those kept because somebody has visited them,
    # for each person; those in PAGES stay.
    "CACHES": {},
    # Files that travel in parts: PART_BYTES for each (0: never in parts), MAX_BYTES of one owner's that wait for their
    # submission (all anonymous visitors are one), thrown away MAX_AGE seconds after the last part has come.
    "UPLOADS": {},
    # Seconds after which a kept page is looked for anew, when a page is opened or the network is back.
    "REFRESH_AFTER": 900,
    # The scripts of service workers that browsers may still have from before, for the same pages,
    # and that ours replaces: paths from the root, or URLs. Any other is left alone (row D10).
    "REPLACES_WORKERS": [],
}

CACHE_DEFAULTS: dict[str, dict[str, int | None]] = {
    "pages": {"MAX_ENTRIES": 50, "MAX_AGE": 30 * 24 * 60 * 60},
    "static": {"MAX_ENTRIES": 500, "MAX_AGE": None},
}

UPLOAD_DEFAULTS: dict[str, int] = {
    # Half of what nginx takes, unless told otherwise.
    "PART_BYTES": 512 * 1024,
    "MAX_BYTES": 1024 * 1024 * 1024,
    "MAX_AGE": 7 * 24 * 60 * 60,
}

# A request always needs some limit: Django's own default when the site has
# switched Django's off.
FALLBACK_MAX_BYTES = 2621440


def _max_bytes(value: int | None) -> int:
    if value is None:
        value = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return FALLBACK_MAX_BYTES if value is None else value


def _classes(value: Iterable[str | type]) -> list[type]:
    return [import_string(item) if isinstance(item, str) else item for item in value]


def _caches(value: Mapping[str, Mapping[str, int | None]]) -> dict[str, dict[str, int | None]]:
    return {name: {**limits, **value.get(name, {})} for name, limits in CACHE_DEFAULTS.items()}


def _uploads(value: Mapping[str, int]) -> dict[str, int]:
    return {**UPLOAD_DEFAULTS, **value}


RESOLVERS: dict[str, Callable[[Any], Any]] = {
    "CACHES": _caches,
    "MAX_BYTES": _max_bytes,
    "THROTTLE_CLASSES": _classes,
    "UPLOADS": _uploads,
}


class AppSettings:
    """Attributes are the keys of ``DEFAULTS``, as the site has set them.

    ``MAX_BYTES`` is never None, ``CACHES`` and ``UPLOADS`` have every limit, and ``THROTTLE_CLASSES``
    are the classes themselves.
    """

    def __getattr__(self, name: str) -> Any:
        if name not in DEFAULTS:
            raise AttributeError(f"OFFLINESYNC has no setting {name!r}.")
        value = site_settings().get(name, DEFAULTS[name])
        return RESOLVERS[name](value) if name in RESOLVERS else value


def site_settings() -> Mapping[str, Any]:
    """What the site has written down, without the defaults."""
    value = getattr(settings, "OFFLINESYNC", {})
    if not isinstance(value, Mapping):
        raise ImproperlyConfigured(
            f"OFFLINESYNC must be a dict, not {type(value).__name__}. "
            'Write for example OFFLINESYNC = {"MAX_SUBMISSIONS": 50}.'
        )
    return value


app_settings = AppSettings()
