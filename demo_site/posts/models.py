"""The demo's one model."""

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class Post(models.Model):
    """A short note from somewhere, perhaps with a photo."""

    title = models.CharField(_("title"), max_length=200)
    location = models.CharField(_("location"), max_length=200)
    body = models.TextField(_("body"))
    photo = models.ImageField(_("photo"), upload_to="photos/%Y/%m/", blank=True)
    created = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("post")
        verbose_name_plural = _("posts")
        ordering = ["-created", "-pk"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("posts:detail", args=[self.pk])
