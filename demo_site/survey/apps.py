"""The app of the survey."""

from django.apps import AppConfig


class SurveyConfig(AppConfig):
    """The demo's story of a day in the field: hundreds of entries, and no network until the evening."""

    name = "demo_site.survey"
    label = "survey"
