"""Settings of a demo with the pages of `kept_pages`; `DEMO_OFFLINESYNC` holds more of what stands in `OFFLINESYNC`."""

import json
import os

from demo_site.settings import *  # noqa: F403
from demo_site.settings import OFFLINESYNC

ROOT_URLCONF = "tests.browser.kept_pages"
OFFLINESYNC = {**OFFLINESYNC, **json.loads(os.environ.get("DEMO_OFFLINESYNC", "{}"))}
