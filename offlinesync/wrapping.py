"""A view that is another one, with something done before it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest

View = Callable[..., Any]


def wrapped(view: View, before: Callable[[HttpRequest], None]) -> View:
    """The same view, which calls ``before`` first; a coroutine where the view is one, and with all its marks."""
    if iscoroutinefunction(view):

        @wraps(view)
        async def asynchronously(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            before(request)
            return await view(request, *args, **kwargs)

        return asynchronously

    @wraps(view)
    def synchronously(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        before(request)
        return view(request, *args, **kwargs)

    return synchronously
