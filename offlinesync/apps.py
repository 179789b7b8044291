"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class OfflineSyncConfig(AppConfig):
    """Loads the system checks and every installed app's ``offline.py``."""

    name = "offlinesync"
    verbose_name = _("Offline submissions")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Find the handlers a site registers, as the admin finds its own."""
        from . import checks, pagechecks  # noqa: F401

        autodiscover_modules("offline")
