"""Settings of a demo that does without the app for now."""

from demo_site import settings
from demo_site.settings import *  # noqa: F403

OFFLINESYNC = {**settings.OFFLINESYNC, "ENABLED": False}
