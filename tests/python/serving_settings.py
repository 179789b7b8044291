"""The tests' settings for server processes, with the way of transactions that the environment names."""

import os

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

DATABASES["default"]["ATOMIC_REQUESTS"] = os.environ.get("SERVING_ATOMIC_REQUESTS") == "1"
