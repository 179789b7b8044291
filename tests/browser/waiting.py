"""Waiting for what a test expects, and for nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 30.0
POLL = 0.05


def wait_until(condition: Callable[[], T], expected: str, *, seconds: float = PATIENCE) -> T:
    """The first true value of the condition; a failed test that says what was expected when there is none in time."""
    until = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"expected within {seconds:.0f} s: {expected}; the last answer was {value!r}")
        time.sleep(POLL)
