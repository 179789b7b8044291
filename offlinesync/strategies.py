"""How the worker keeps and shows a page: a strategy by name.

========================== ======================================================================
``network-first``          The network, for ``NETWORK_TIMEOUT`` seconds; then the kept copy.
``stale-while-revalidate`` The kept copy at once; it is looked for anew behind it.
``cache-first``            The kept copy at once; it is looked for anew after ``REFRESH_AFTER``.
``network-only``           Never kept.
========================== ======================================================================

The pages in ``PAGES`` are network first, and kept before anybody has visited them. Any other page is
kept once it has been visited, if it has a strategy: in ``OFFLINESYNC["STRATEGIES"]``, or at its view::

    @offline_page("stale-while-revalidate")
    def article(request, pk): ...

    class ArticleView(OfflinePageMixin, DetailView):
        offline_strategy = "stale-while-revalidate"

The worker reads it in the page itself, where ``{% offlinesync %}`` has rendered it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from .conf import app_settings
from .wrapping import View, wrapped

NETWORK_FIRST = "network-first"
STALE_WHILE_REVALIDATE = "stale-while-revalidate"
CACHE_FIRST = "cache-first"
NETWORK_ONLY = "network-only"
STRATEGIES = (NETWORK_FIRST, STALE_WHILE_REVALIDATE, CACHE_FIRST, NETWORK_ONLY)


def offline_page(strategy: str = NETWORK_FIRST) -> Callable[[View], View]:
    """Keep the pages of a view by this strategy, once they have been visited.

    Raises ``ImproperlyConfigured`` for a name that is no strategy.
    """
    _require_strategy(strategy)

    return lambda view: wrapped(view, lambda request: _mark(request, strategy))


class OfflinePageMixin:
    """Keeps the pages of a class-based view by its ``offline_strategy``."""

    offline_strategy = NETWORK_FIRST

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Mark the request, for the template tag that renders the page's head."""
        _require_strategy(self.offline_strategy)
        _mark(request, self.offline_strategy)
        super().setup(request, *args, **kwargs)  # type: ignore[misc]


def strategy_of(request: HttpRequest) -> str | None:
    """The strategy of the page that answers the request; None: it is kept only if ``PAGES`` names it.

    ``OFFLINESYNC["STRATEGIES"]`` counts before the view's own.
    """
    strategies = app_settings.STRATEGIES
    match = getattr(request, "resolver_match", None)
    names = [request.path, match.view_name if match else None]
    return next(
        (strategies[name] for name in names if name in strategies), getattr(request, "offlinesync_strategy", None)
    )


def _mark(request: HttpRequest, strategy: str) -> None:
    request.offlinesync_strategy = strategy  # type: ignore[attr-defined]


def _require_strategy(strategy: str) -> None:
    if strategy not in STRATEGIES:
        raise ImproperlyConfigured(f"{strategy!r} is no strategy. Write one of {', '.join(map(repr, STRATEGIES))}.")
