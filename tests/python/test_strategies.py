"""A page's strategy: the settings', its view's own, or none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.contrib.messages import add_message
from django.contrib.messages.constants import INFO
from django.contrib.messages.storage.fallback import FallbackStorage
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import RequestFactory
from django.urls import resolve
from django.views import View

from offlinesync.strategies import OfflinePageMixin, offline_page, strategy_of

PAGE = "{% load offlinesync %}{% offlinesync %}"


def request_of(path: str = "/posts/7/") -> HttpRequest:
    request = RequestFactory().get(path)
    request.resolver_match = resolve(path)
    return request


def head(request: HttpRequest) -> str:
    return engines["django"].from_string(PAGE).render({}, request)


@offline_page("cache-first")
def plain(request: HttpRequest) -> HttpResponse:
    """A view."""
    return HttpResponse(head(request))


class Detail(OfflinePageMixin, View):
    offline_strategy = "stale-while-revalidate"

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(head(request))


class Default(OfflinePageMixin, View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(head(request))


@pytest.mark.parametrize(
    ("view", "strategy"),
    [
        (plain, "cache-first"),
        (Detail.as_view(), "stale-while-revalidate"),
        (Default.as_view(), "network-first"),
        (offline_page()(lambda request: HttpResponse(head(request))), "network-first"),
    ],
)
def test_a_view_says_it_in_its_page(view: Any, strategy: str, settings: Any) -> None:
    settings.OFFLINESYNC = {}
    assert f'<meta name="offlinesync-keep" content="{strategy}">' in view(request_of()).content.decode()


def test_a_page_without_one_says_nothing(settings: Any) -> None:
    settings.OFFLINESYNC = {}
    assert strategy_of(request_of()) is None
    assert "offlinesync-keep" not in head(request_of())


@pytest.mark.parametrize("page", ["posts:detail", "/posts/7/"])
def test_the_settings_count_before_the_view(settings: Any, page: str) -> None:
    settings.OFFLINESYNC = {"STRATEGIES": {page: "network-only"}}
    request = request_of()
    plain(request)
    assert strategy_of(request) == "network-only"
    assert strategy_of(request_of("/")) is None


def test_an_async_view_is_kept_async(settings: Any) -> None:
    settings.OFFLINESYNC = {}

    @offline_page("cache-first")
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(strategy_of(request))

    assert asyncio.run(view(request_of())).content == b"cache-first"


def test_a_decorated_view_keeps_its_name() -> None:
    assert (plain.__name__, plain.__doc__) == ("plain", "A view.")


def test_p8_a_page_with_a_message_is_not_kept(settings: Any) -> None:
    settings.OFFLINESYNC = {"STRATEGIES": {"posts:detail": "cache-first"}}
    request = request_of()
    request.session = {}
    request._messages = FallbackStorage(request)
    add_message(request, INFO, "Goodbye, Anna")
    assert '<meta name="offlinesync-keep" content="no">' in head(request)


def test_an_unknown_strategy_is_named_at_once() -> None:
    with pytest.raises(ImproperlyConfigured, match="'NetworkFirst' is no strategy. Write one of 'network-first'"):
        offline_page("NetworkFirst")

    class Wrong(OfflinePageMixin, View):
        offline_strategy = "NetworkFirst"

    with pytest.raises(ImproperlyConfigured, match="'NetworkFirst' is no strategy"):
        Wrong.as_view()(request_of())
