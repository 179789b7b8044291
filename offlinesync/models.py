"""The ledger: every submission the site has accepted, for ever. And what has arrived of large files until then."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Submission(models.Model):
    """One accepted submission. What was in it is not kept here."""

    owner = models.CharField(
        _("owner"),
        max_length=255,
        default="",
        blank=True,
        help_text=_("The primary key of the user, empty for anonymous visitors."),
    )
    submission_id = models.UUIDField(_("submission id"))
    form = models.CharField(_("form"), max_length=255)
    digest = models.CharField(_("digest"), max_length=100)
    result = models.JSONField(_("result"), null=True, blank=True, encoder=DjangoJSONEncoder)
    key = models.CharField(
        _("key"),
        max_length=255,
        default="",
        blank=True,
        help_text=_("The primary key of the object that was made, by which later submissions find it."),
    )
    captured_at = models.DateTimeField(
        _("captured at"),
        null=True,
        blank=True,
        help_text=_("What the clock of the device said, which may be anything."),
    )
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        # A constraint would lock the user's row for as long as a delivery lasts, and two
        # deliveries whose handlers change that row would deadlock on MariaDB.
        db_constraint=False,
    )

    class Meta:
        verbose_name = _("submission")
        verbose_name_plural = _("submissions")
        constraints = [
            # Row C1: the database decides who is first, no code does.
            models.UniqueConstraint(fields=["owner", "submission_id"], name="offlinesync_owner_submission")
        ]

    def __str__(self) -> str:
        return f"{self.form} {self.submission_id}"


class FilePart(models.Model):
    """A piece of a file whose submission has not been accepted yet, in the order of ``offset`` (row E4)."""

    owner = models.CharField(_("owner"), max_length=255, default="", blank=True)
    submission_id = models.UUIDField(_("submission id"))
    # Of the whole file: what is edited meanwhile is another file.
    sha256 = models.CharField(_("SHA-256 of the file"), max_length=64)
    offset = models.PositiveBigIntegerField(_("offset"))
    size = models.PositiveIntegerField(_("size"))
    received_at = models.DateTimeField(_("received at"), default=timezone.now, db_index=True)
    # Last: SQLite reads what stands before it without reading it.
    content = models.BinaryField(_("content"))

    class Meta:
        verbose_name = _("part of a file")
        verbose_name_plural = _("parts of files")
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "submission_id", "sha256", "offset"], name="offlinesync_part_offset"
            )
        ]

    def __str__(self) -> str:
        return f"{self.submission_id} {self.offset}–{self.offset + self.size}"
