"""The demo's one model."""

from django.db import models
from django.urls import reverse


class Post(models.Model):
    """A short note from somewhere, perhaps with a photo."""

    title = models.CharField(max_length=200)
    location = models.CharField(max_length=200)
    body = models.TextField()
    photo = models.ImageField(upload_to="photos/%Y/%m/", blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created", "-pk"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("posts:detail", args=[self.pk])
