"""The demo's settings, with its data in a folder of the test run and the tests' own app."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# A server process that a test starts inherits the variable, and so shares the folder. The demo's
# own variable is overwritten: a developer who has set it must find the demo's data untouched.
if "OFFLINESYNC_TEST_DIR" not in os.environ:
    os.environ["OFFLINESYNC_TEST_DIR"] = tempfile.mkdtemp(prefix="offlinesync-tests-")
    atexit.register(shutil.rmtree, os.environ["OFFLINESYNC_TEST_DIR"], ignore_errors=True)
TEST_DIR = Path(os.environ["OFFLINESYNC_TEST_DIR"])
os.environ["DEMO_DATA_DIR"] = str(TEST_DIR)

from demo_site.settings import *  # noqa: E402, F403
from demo_site.settings import DATABASES, INSTALLED_APPS, STATIC_ROOT  # noqa: E402

INSTALLED_APPS = [*INSTALLED_APPS, "tests.python.sampleapp"]

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Threads and processes meet on a file as they do in production; in memory they do not.
    DATABASES["default"].setdefault("TEST", {})["NAME"] = str(TEST_DIR / "test.sqlite3")

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# WhiteNoise warns of a folder that collectstatic has not made.
STATIC_ROOT.mkdir(exist_ok=True)

# Python tests render templates with no collectstatic run before them; the browser tests serve
# the demo with its own storage.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
