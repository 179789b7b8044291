"""The ledger in the admin: to be looked at, never to be changed."""

from __future__ import annotations

import uuid

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from .models import Submission


@admin.register(Submission)
class SubmissionAdmin(admin.ModelAdmin):
    """Read-only. A row that is gone would let its submission in a second time (row C5)."""

    list_display = ["submission_id", "form", "owner", "received_at", "captured_at"]
    # Whole values and no filters: the table only grows, and a filter would list a column's values.
    search_fields = ["owner__exact"]
    ordering = ["-pk"]
    # Nobody counts a table that only grows.
    show_full_result_count = False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Submission], search_term: str
    ) -> tuple[QuerySet[Submission], bool]:
        """The rows of an owner, or the one with an id, as the log names it."""
        wanted = search_term.strip()
        if not wanted:
            return queryset, False
        try:
            return queryset.filter(Q(submission_id=uuid.UUID(wanted)) | Q(owner=wanted)), False
        except ValueError:
            return queryset.filter(owner=wanted), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only the ingestion adds rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes a row."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes a row."""
        return False
