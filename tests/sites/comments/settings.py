"""The demo with comments on its posts. `SITE_HOURS_LATER` is how far the server's clock has gone on since."""

import os
import time

from demo_site.settings import *  # noqa: F403
from demo_site.settings import BASE_DIR, INSTALLED_APPS, OFFLINESYNC, TEMPLATES

INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.sites", "django_comments"]
SITE_ID = 1
ROOT_URLCONF = "tests.sites.comments.urls"
TEMPLATES = [
    {**TEMPLATES[0], "DIRS": [BASE_DIR / "tests" / "sites" / "comments" / "templates", *TEMPLATES[0]["DIRS"]]}
]

OFFLINESYNC = {**OFFLINESYNC, "VIEWS": {"comment": "comments-post-comment"}}
# A comment that was written offline arrives when there is a network again, and Django's own limit is two hours.
COMMENTS_TIMEOUT = int(os.environ.get("SITE_COMMENTS_TIMEOUT", 365 * 24 * 60 * 60))

seconds_later = float(os.environ.get("SITE_HOURS_LATER", "0")) * 3600
now = time.time
time.time = lambda: now() + seconds_later
