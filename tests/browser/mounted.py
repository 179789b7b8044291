"""Settings of a demo that is not alone at its origin: `DEMO_MOUNT` says under which path it lies (row D10)."""

import os

from demo_site.settings import *  # noqa: F403

FORCE_SCRIPT_NAME = os.environ["DEMO_MOUNT"]
# Both sites' cookies come to both, as they would anywhere.
SESSION_COOKIE_NAME = f"session-{FORCE_SCRIPT_NAME.strip('/')}"
