"""URLs of a demo whose posts are tasks that a script makes, edits and ticks off; their order is written down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template import engines
from django.urls import include, path
from rest_framework import serializers
from rest_framework.permissions import AllowAny

import offlinesync
from demo_site.posts.models import Post
from offlinesync.submissions import IncomingSubmission

PAGE = """{% load offlinesync %}<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tasks</title>{% offlinesync %}</head><body></body></html>"""


class TaskSerializer(serializers.ModelSerializer):
    """A task: where it is to be done says whether it is."""

    class Meta:
        model = Post
        fields = ["title", "location", "body"]


class TaskHandler(offlinesync.SerializerHandler):
    """What each of them has in common."""

    permission_classes = [AllowAny]
    serializer_class = TaskSerializer

    def save(self, serializer: TaskSerializer, submission: IncomingSubmission) -> Any:
        """Save it, and write it down once it stands."""
        task = super().save(serializer, submission)
        line = json.dumps([self.name, submission.target, submission.data])
        transaction.on_commit(lambda: write(line))
        return task


@offlinesync.register("new task")
class NewTaskHandler(TaskHandler):
    """A new one."""


@offlinesync.register("edit task")
class EditTaskHandler(TaskHandler):
    """A change of one."""

    def get_serializer(self, submission: IncomingSubmission) -> TaskSerializer:
        """For the task that the entry is about."""
        task = get_object_or_404(Post, pk=submission.target)
        return TaskSerializer(task, data=self.get_data(submission), partial=True)


@offlinesync.register("after")
class FollowingTaskHandler(NewTaskHandler):
    """A new one that names the one before it."""

    def validate(self, submission: IncomingSubmission) -> TaskSerializer:
        """The other has to be there."""
        get_object_or_404(Post, pk=submission.data["body"])
        return super().validate(submission)


def write(line: str) -> None:
    """Write a line down."""
    with (Path(settings.DATA_DIR) / "tasks.jsonl").open("a") as log:
        log.write(line + "\n")


def tasks(request: HttpRequest) -> HttpResponse:
    """A page without a form."""
    return HttpResponse(engines["django"].from_string(PAGE).render({}, request))


urlpatterns = [path("tasks/", tasks), path("", include("demo_site.urls"))]
