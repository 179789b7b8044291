"""URLs of a demo with a form that edits what is there."""

from __future__ import annotations

from django.forms import modelform_factory
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template import engines
from django.urls import include, path
from rest_framework.permissions import AllowAny

import offlinesync
from demo_site.posts.models import Post
from offlinesync.submissions import IncomingSubmission

PAGE = """{% extends "base.html" %}{% load offlinesync %}
{% block title %}Edit{% endblock %}
{% block layout %}narrow{% endblock %}
{% block content %}
<div class="lead"><h1>Edit a post</h1></div>
<form class="card form" method="post" {% offline_form "edit" object=post drafts=True %}>
{% csrf_token %}{{ form.as_div }}
<div class="actions"><button type="submit">Save</button></div></form>
{% endblock %}"""
EditForm = modelform_factory(Post, fields=["title", "location"])


@offlinesync.register("edit")
class EditHandler(offlinesync.FormHandler):
    """Anybody may edit any post."""

    permission_classes = [AllowAny]
    form_class = EditForm

    def get_object(self, submission: IncomingSubmission) -> Post:
        """The post that the page was about."""
        return get_object_or_404(Post, pk=submission.target)

    def get_success_url(self, saved: Post, submission: IncomingSubmission) -> str:
        """Back to the form."""
        return f"/edit/{saved.pk}/"


def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The page with the form."""
    post = get_object_or_404(Post, pk=pk)
    context = {"post": post, "form": EditForm(instance=post)}
    return HttpResponse(engines["django"].from_string(PAGE).render(context, request))


urlpatterns = [path("edit/<int:pk>/", edit), path("", include("demo_site.urls"))]
