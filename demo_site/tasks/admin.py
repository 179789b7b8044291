"""The tasks in Django's admin."""

from django.contrib import admin

from demo_site.tasks.models import Task


@admin.register(Task)
class TaskAdmin(admin.ModelAdmin):
    """Tasks by what is left to do."""

    list_display = ["title", "assigned_to", "due", "done"]
    list_filter = ["done"]
    search_fields = ["title", "assigned_to"]
