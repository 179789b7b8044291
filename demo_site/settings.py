"""Settings of the demo site: ``DATABASE_URL`` and ``DEMO_DATA_DIR`` say where it keeps its data."""

import os
from pathlib import Path

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.functional import lazy

from demo_site import environment

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = environment.data_dir(BASE_DIR / ".demo-data")

DEBUG = os.environ.get("DEMO_DEBUG") == "1"
SECRET_KEY = environment.secret_key(DATA_DIR / "secret-key")
ALLOWED_HOSTS = ["localhost", ".localhost", "127.0.0.1", "[::1]"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "offlinesync",
    "pwa",
    "demo_site.posts",
    "demo_site.tasks",
    "demo_site.shop",
    "demo_site.survey",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "demo_site.middleware.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "demo_site.trial.TrialMiddleware",
]

ROOT_URLCONF = "demo_site.urls"
WSGI_APPLICATION = "demo_site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "demo_site" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": environment.database(DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LOGIN_REDIRECT_URL = "posts:list"
LOGOUT_REDIRECT_URL = "posts:list"

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("ar", "العربية")]
LOCALE_PATHS = [BASE_DIR / "demo_site" / "locale"]

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "demo_site" / "static"]
MEDIA_URL = "media/"
MEDIA_ROOT = DATA_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

REST_FRAMEWORK = {
    # The browsable API needs inline scripts, which the demo's policy forbids.
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}

OFFLINESYNC = {
    "PAGES": ["posts:list", "posts:create", "tasks:list", "shop:checkout", "survey:list", "survey:create"],
    "STRATEGIES": {
        "posts:list": "stale-while-revalidate",
        "posts:detail": "stale-while-revalidate",
        # Whoever edits what several people share wants it as it is now, as long as there is a network.
        "tasks:edit": "network-first",
        "shop:orders": "stale-while-revalidate",
    },
}

# Where browsers report violations of the demo's policy; the browser tests set it to /csp-reports/.
CSP_REPORT_URI = os.environ.get("DEMO_CSP_REPORT_URI", "")

# Only the hashed name of a static file exists, and it is known after collectstatic at the earliest.
static_url = lazy(static, str)
PWA_APP_NAME = "Far Afield"
PWA_APP_DESCRIPTION = "Notes from places with no signal."
PWA_APP_THEME_COLOR = "#1f5c57"
PWA_APP_BACKGROUND_COLOR = "#f6f4ef"
PWA_APP_LANG = "en"
# The last one is the pages' own icon as well.
PWA_APP_ICONS = [
    {
        "src": static_url("demo/icon-maskable-512.png"),
        "sizes": "512x512",
        "type": "image/png",
        "purpose": "maskable",
    },
    {"src": static_url("demo/icon-512.png"), "sizes": "512x512", "type": "image/png"},
    {"src": static_url("demo/icon-192.png"), "sizes": "192x192", "type": "image/png"},
]
PWA_APP_ICONS_APPLE = [{"src": static_url("demo/icon-192.png"), "sizes": "192x192"}]
PWA_APP_SHORTCUTS = [
    {
        "name": "Write a post",
        "url": reverse_lazy("posts:create"),
        "icons": [{"src": static_url("demo/icon-192.png"), "sizes": "192x192", "type": "image/png"}],
    },
    {
        "name": "Add an observation",
        "url": reverse_lazy("survey:create"),
        "icons": [{"src": static_url("demo/icon-192.png"), "sizes": "192x192", "type": "image/png"}],
    },
]
PWA_APP_SPLASH_SCREEN: list[dict[str, str]] = []

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        # A full queue is the ordinary state of a small server under a burst, and nothing to act on.
        "waitress.queue": {"level": "ERROR"},
    },
}
