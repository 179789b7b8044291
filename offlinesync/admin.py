"""The ledger in the admin: to be looked at, never to be changed."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from .models import Submission


@admin.register(Submission)
class SubmissionAdmin(admin.ModelAdmin):
    """Read-only. A row that is gone would let its submission in a second time (row C5)."""

    list_display = ["submission_id", "form", "owner", "received_at", "captured_at"]
    list_filter = ["form", "received_at"]
    search_fields = ["submission_id", "owner"]
    ordering = ["-pk"]
    # Nobody counts a table that only grows.
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only the ingestion adds rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes a row."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes a row."""
        return False
