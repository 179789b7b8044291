"""Which handler answers for which form.

A site registers its handlers in the ``offline.py`` of its apps::

    @offlinesync.register("post")
    class PostHandler(offlinesync.FormHandler):
        form_class = PostForm
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar, overload

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from .conf import app_settings

if TYPE_CHECKING:
    from .handlers import Handler

HandlerClass = TypeVar("HandlerClass", bound="type[Handler]")

# The ledger keeps the name beside every submission.
MAX_NAME_LENGTH = 255

_classes: dict[str, type[Handler]] = {}


@overload
def register(name: str) -> Callable[[HandlerClass], HandlerClass]: ...
@overload
def register(name: str, handler_class: HandlerClass) -> HandlerClass: ...
def register(name, handler_class=None):
    """Let a handler class answer for the form of this name.

    A class decorator, ``@register("post")``, or a call,
    ``register("post", PostHandler)``.
    """
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_LENGTH:
        raise ImproperlyConfigured(
            f"A form's name must be a string of 1 to {MAX_NAME_LENGTH} characters, "
            f'not {name!r}. Write for example @offlinesync.register("post").'
        )
    if handler_class is None:
        return lambda decorated: register(name, decorated)
    _refuse_other_classes(name, handler_class)
    # One form's view may have several addresses, and registers the same class at each.
    if _classes.get(name, handler_class) is not handler_class:
        raise ImproperlyConfigured(
            f"Two handlers are registered for the form {name!r}: "
            f"{_path(_classes[name])} and {_path(handler_class)}. Rename one of them."
        )
    _classes[name] = handler_class
    return handler_class


def get(name: str) -> Handler | None:
    """A new handler for the form of this name, or None if nobody registered it.

    New each time, so that nothing one submission leaves on it reaches the next.
    """
    found = handler_class(name)
    return None if found is None else found(name)


def handler_class(name: str) -> type[Handler] | None:
    """The class registered under this name, without making a handler of it."""
    if name not in _classes and name in app_settings.VIEWS:
        # Not at the top: the package can be imported before the apps are loaded, and views cannot.
        from .viewhandler import ViewHandler

        return ViewHandler
    if name not in _classes:
        _load_views()
    return _classes.get(name)


def is_registered(name: str) -> bool:
    """Whether a handler answers for the form of this name. Makes none, because that can fail."""
    return handler_class(name) is not None


def names() -> list[str]:
    """The names of all registered forms; those that ``offline_view`` registers in a ``urls.py``, once it is loaded."""
    return sorted(_classes)


def _load_views() -> None:
    """What ``offline_view`` registers in a ``urls.py`` is not there before the first request, or in a command."""
    if getattr(settings, "ROOT_URLCONF", None):
        import_module(settings.ROOT_URLCONF)


def _refuse_other_classes(name: str, registered: object) -> None:
    # Not at the top: the package can be imported before the apps are loaded, and forms cannot.
    from .handlers import Handler

    if not (isinstance(registered, type) and issubclass(registered, Handler)):
        what = _path(registered) if isinstance(registered, type) else repr(registered)
        raise ImproperlyConfigured(
            f"What is registered for the form {name!r} is no handler class: {what}. "
            "Let it inherit from offlinesync.FormHandler or offlinesync.Handler."
        )


def _path(handler_class: type) -> str:
    return f"{handler_class.__module__}.{handler_class.__qualname__}"
