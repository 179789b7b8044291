"""What makes the forms of a task work offline: handlers that see what somebody else has changed meanwhile."""

from collections.abc import Mapping
from typing import Any

from django.shortcuts import get_object_or_404

import offlinesync
from demo_site.tasks.forms import TaskDoneForm, TaskForm
from demo_site.tasks.models import Task
from demo_site.tasks.views import TaskDoneView, TaskEditView
from demo_site.trial import Refusable
from offlinesync.submissions import IncomingSubmission


@offlinesync.register("task")
class TaskHandler(Refusable, offlinesync.FormHandler):
    """Take an edit from anybody who is signed in: it is the team's list."""

    form_class = TaskForm
    success_url = TaskEditView.success_url
    refused_field = "title"

    def get_object(self, submission: IncomingSubmission) -> Task:
        return get_object_or_404(Task, pk=submission.target)

    def merge(self, mine: Mapping[str, Any], theirs: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
        # Two who have written into different fields need not choose; only what both have written in is asked of them.
        return {}


@offlinesync.register("task-done")
class TaskDoneHandler(TaskHandler):
    """Take a tick. Two who tick off the same task are no conflict."""

    form_class = TaskDoneForm
    success_url = TaskDoneView.success_url
    # Its form has nothing but a button.
    refused_field = "__all__"
