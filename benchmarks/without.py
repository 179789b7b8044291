"""Settings of the demo without the app: its tags render nothing, and all else is what it is."""

from pathlib import Path

from demo_site.settings import *  # noqa: F403
from demo_site.settings import TEMPLATES as WITH

TEMPLATES = [{**WITH[0], "DIRS": [Path(__file__).with_name("templates"), *WITH[0]["DIRS"]]}]
