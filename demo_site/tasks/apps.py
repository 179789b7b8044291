"""The app of the team's tasks."""

from django.apps import AppConfig


class TasksConfig(AppConfig):
    """The demo's story of two people who change the same thing."""

    name = "demo_site.tasks"
    label = "tasks"
