"""System checks of the pages and views that a site names: E007, E009, E010 and W005 of the table in ``checks.py``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.urls import get_resolver

from . import registry
from .checks import reversed_path
from .strategies import NETWORK_ONLY, STRATEGIES
from .viewhandler import ViewHandler


@register(Tags.urls)
def check_pages(**kwargs: Any) -> list[CheckMessage]:
    """E007: every entry of ``PAGES`` can be found."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    return [
        Error(
            f'OFFLINESYNC["PAGES"] names {entry!r}, which is neither a path nor the name of a URL without arguments.',
            hint='Write a path such as "/posts/", or a name such as "posts:list".',
            id="offlinesync.E007",
        )
        for entry in _pages()
        if not _is_path(entry) and not _is_name(entry)
    ]


@register(Tags.urls)
def check_strategies(**kwargs: Any) -> list[CheckMessage]:
    """E009 and W005: every entry of ``STRATEGIES`` says what can be done."""
    strategies = _setting("STRATEGIES", {})
    if not isinstance(strategies, Mapping):
        return [_wrong_strategies("is not a dict")]
    return [*_wrong_entries(strategies), *_contradictions(strategies)]


@register(Tags.urls)
def check_views(**kwargs: Any) -> list[CheckMessage]:
    """E010: every entry of ``VIEWS`` has a view, and one alone answers for each form."""
    views = _setting("VIEWS", {})
    if not isinstance(views, Mapping):
        return [_wrong_views("is not a dict")]
    return list(_wrong_names(views))


def _wrong_names(views: Mapping[Any, Any]) -> Iterable[CheckMessage]:
    for form, name in views.items():
        if not isinstance(form, str) or not _is_known(name):
            yield _wrong_views(f"gives the form {form!r} to {name!r}, which is not the name of a URL")
        elif registry.handler_class(form) is not ViewHandler:
            yield _wrong_views(f"names the form {form!r}, which has the handler {registry.handler_class(form)}")


def _wrong_views(what: str) -> CheckMessage:
    return Error(
        f'OFFLINESYNC["VIEWS"] {what}.',
        hint='Write for example {"comment": "comments-post-comment"}: a form, and the name of the URL of its view.',
        id="offlinesync.E010",
    )


def _wrong_entries(strategies: Mapping[Any, Any]) -> Iterable[CheckMessage]:
    for page, strategy in strategies.items():
        if not _is_path(page) and not _is_known(page):
            yield _wrong_strategies(f"names {page!r}, which is neither a path nor the name of a URL")
        if strategy not in STRATEGIES:
            yield _wrong_strategies(f"gives {page!r} the strategy {strategy!r}, which does not exist")


def _contradictions(strategies: Mapping[Any, Any]) -> Iterable[CheckMessage]:
    pages = {path for page in _pages() for path in (page, _path(page))}
    for page, strategy in strategies.items():
        if strategy == NETWORK_ONLY and (page in pages or _path(page) in pages - {None}):
            yield Warning(
                f'OFFLINESYNC["PAGES"] names {page!r}, and OFFLINESYNC["STRATEGIES"] says that it is never kept.',
                hint="Take it out of one of the two.",
                id="offlinesync.W005",
            )


def _wrong_strategies(what: str) -> CheckMessage:
    return Error(
        f'OFFLINESYNC["STRATEGIES"] {what}.',
        hint=f'Write for example {{"posts:detail": "stale-while-revalidate"}}. There are {", ".join(STRATEGIES)}.',
        id="offlinesync.E009",
    )


def _setting(key: str, default: Any) -> Any:
    site_settings = getattr(settings, "OFFLINESYNC", {})
    return site_settings.get(key, default) if isinstance(site_settings, Mapping) else default


def _pages() -> Sequence[Any]:
    pages = _setting("PAGES", [])
    return pages if isinstance(pages, (list, tuple)) else []


def _is_path(entry: Any) -> bool:
    # "//host/path" is another site.
    return isinstance(entry, str) and entry.startswith("/") and not entry.startswith("//")


def _is_name(entry: Any) -> bool:
    return isinstance(entry, str) and reversed_path(entry) is not None


def _is_known(entry: Any) -> bool:
    """Whether some URL has the name, whatever arguments it takes."""
    if not isinstance(entry, str):
        return False
    *namespaces, name = entry.split(":")
    resolver = get_resolver()
    for namespace in namespaces:
        if namespace not in resolver.namespace_dict:
            return False
        resolver = resolver.namespace_dict[namespace][1]
    return name in resolver.reverse_dict


def _path(entry: Any) -> str | None:
    if not isinstance(entry, str):
        return None
    return entry if _is_path(entry) else reversed_path(entry)
