"""Settings of a demo after a deploy: what lies in `DEMO_OVERLAY` stands in the place of the site's static files."""

import os

from demo_site.settings import *  # noqa: F403

STATICFILES_DIRS = [os.environ["DEMO_OVERLAY"], *STATICFILES_DIRS]  # noqa: F405
