"""Forms that work offline: saved on the device, delivered exactly once."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .handlers import FormHandler, FormSetHandler, Handler, Rejected, SerializerHandler
    from .registry import register
    from .signals import submission_accepted, submission_rejected
    from .viewhandler import ViewHandler, offline_view

__all__ = [
    "FormHandler",
    "FormSetHandler",
    "Handler",
    "Rejected",
    "SerializerHandler",
    "ViewHandler",
    "offline_view",
    "register",
    "submission_accepted",
    "submission_rejected",
]

_HOMES = {
    "FormHandler": "handlers",
    "FormSetHandler": "handlers",
    "Handler": "handlers",
    "Rejected": "handlers",
    "SerializerHandler": "handlers",
    "ViewHandler": "viewhandler",
    "offline_view": "viewhandler",
    "register": "registry",
    "submission_accepted": "signals",
    "submission_rejected": "signals",
}


def __getattr__(name: str) -> Any:
    # Django imports this package before any model may be imported, so the
    # public names are looked up when they are first used.
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
