"""Ordinary Django views: nothing here knows about being offline."""

from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.views.generic import ListView, UpdateView

from demo_site.tasks.forms import TaskDoneForm, TaskForm
from demo_site.tasks.models import Task


class TaskListView(ListView):
    """What is to be done first, and then what is done."""

    model = Task


class TaskEditView(LoginRequiredMixin, UpdateView):
    """Edit a task."""

    model = Task
    form_class = TaskForm
    success_url = reverse_lazy("tasks:list")


class TaskDoneView(LoginRequiredMixin, UpdateView):
    """Tick a task off, or open it again: a button of the list."""

    model = Task
    form_class = TaskDoneForm
    success_url = reverse_lazy("tasks:list")

    def get(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        # Whoever had to sign in first comes back here.
        return redirect("tasks:list")
