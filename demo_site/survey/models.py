"""What is counted in the field."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Observation(models.Model):
    """What somebody has found at one place on one day."""

    class Condition(models.TextChoices):
        """How the place looks."""

        GOOD = "good", _("Good")
        WORN = "worn", _("Worn")
        BROKEN = "broken", _("Broken")

    site = models.CharField(_("site"), max_length=100)
    date = models.DateField(_("date"))
    count = models.PositiveIntegerField(_("count"))
    condition = models.CharField(_("condition"), max_length=10, choices=Condition)
    note = models.TextField(_("note"), blank=True)
    created = models.DateTimeField(_("arrived"), auto_now_add=True)

    class Meta:
        verbose_name = _("observation")
        verbose_name_plural = _("observations")
        ordering = ["-created", "-pk"]

    def __str__(self) -> str:
        return self.site
