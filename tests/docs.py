"""The code on the pages in `docs/`, as a project that a test can run: a block's first line names its file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
BLOCK = re.compile(
    r"^```(?:python|html|js|css)\n(?:# |\{# |// |/\* )(\S+/\S+?)(?: #\}| \*/)?\n(.*?)^```$", re.MULTILINE | re.DOTALL
)

# What the pages take for granted: a site with its settings, its base template, and the app.
SETTINGS = """
from pathlib import Path

BASE_DIR = Path(__file__).parent.parent
SECRET_KEY = "of a test"
ALLOWED_HOSTS = ["*"]
DEBUG = True
ROOT_URLCONF = "site_of_docs.urls"
STATIC_URL = "static/"
LOGIN_URL = "/accounts/login/"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "db.sqlite3",
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "offlinesync",
    "notes",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
"""
URLS = """
from django.urls import include, path

urlpatterns = [
    path("offlinesync/", include("offlinesync.urls")),
    path("", include("notes.urls")),
]
"""
BASE = """{% load offlinesync %}<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Notes</title>{% offlinesync %}</head>
<body>{% for message in messages %}<p>{{ message }}</p>{% endfor %}{% block content %}{% endblock %}</body>
</html>
"""


def files_of(page: str) -> dict[str, str]:
    """The text of each file that a page shows, by its path."""
    found = dict(BLOCK.findall((DOCS / page).read_text()))
    assert found, f"{page} shows files"
    return found


def write(folder: Path, files: dict[str, str]) -> None:
    """Put each text into its file."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def make_project(folder: Path, page: str) -> Path:
    """Write down the project of a page, with its tables."""
    files = {
        "site_of_docs/settings.py": SETTINGS,
        "site_of_docs/urls.py": URLS,
        "templates/base.html": BASE,
        "notes/__init__.py": "",
        **files_of(page),
    }
    write(folder, files)
    for command in (["check", "--fail-level", "WARNING"], ["makemigrations", "notes"], ["migrate"]):
        manage(folder, *command)
    return folder


def manage(folder: Path, *arguments: str) -> str:
    """What a command of the project prints; one that fails fails the test."""
    command = [sys.executable, "-m", "django", *arguments, "--settings", "site_of_docs.settings"]
    path = [str(folder), str(DOCS.parent)]
    run = subprocess.run(command, cwd=folder, env=environment(path), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def environment(path: list[str]) -> dict[str, str]:
    """Without the settings and the data of the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "DEMO_", "DATABASE"))}
    return {**kept, "PYTHONPATH": os.pathsep.join(path)}
