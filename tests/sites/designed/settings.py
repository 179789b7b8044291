"""The demo in the looks that docs/designing.md gives to a site: its templates and styles stand on that page."""

from demo_site.settings import *  # noqa: F403
from demo_site.settings import DATA_DIR, STATICFILES_DIRS, TEMPLATES
from tests import docs

DESIGN = DATA_DIR / "designed"
docs.write(DESIGN, docs.files_of("designing.md"))
TEMPLATES = [{**TEMPLATES[0], "DIRS": [DESIGN / "templates", *TEMPLATES[0]["DIRS"]]}]
STATICFILES_DIRS = [DESIGN / "static", *STATICFILES_DIRS]
