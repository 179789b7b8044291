"""Which cases `make test` runs, and which it leaves to the wider matrix of CI."""

from __future__ import annotations

import pytest

ENGINES = ("chromium", "firefox", "webkitgtk")


def wide(*values: object) -> object:
    """A case that `make test` leaves to CI."""
    return pytest.param(*values, marks=pytest.mark.wide)


CHROMIUM_FIRST = ["chromium", wide("firefox"), wide("webkitgtk")]
