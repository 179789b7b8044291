"""The survey in Django's admin."""

from django.contrib import admin

from demo_site.survey.models import Observation


@admin.register(Observation)
class ObservationAdmin(admin.ModelAdmin):
    """Observations by place and day."""

    list_display = ["site", "date", "count", "condition"]
    list_filter = ["condition"]
    search_fields = ["site", "note"]
