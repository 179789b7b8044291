"""What the tests' handlers write."""

from django.db import models


class Note(models.Model):
    """A note with a bit of everything that can go wrong."""

    title = models.CharField(max_length=40)
    body = models.TextField(blank=True)
    slug = models.SlugField(unique=True, null=True, blank=True)
    day = models.DateField(null=True, blank=True)
    moment = models.DateTimeField(null=True, blank=True)
    attachment = models.FileField(null=True, blank=True)

    def __str__(self) -> str:
        return self.title
