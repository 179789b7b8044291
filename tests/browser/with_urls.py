"""Settings of the demo with the URLs of a test: `DEMO_URLS` names their module."""

import os

from demo_site.settings import *  # noqa: F403

ROOT_URLCONF = os.environ["DEMO_URLS"]
