"""URLs of a demo whose form is answered by its view as it is, with a message for the page after it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path

from demo_site.posts.views import PostCreateView
from offlinesync import offline_view

PAGE = """{% extends "base.html" %}{% load offlinesync %}
{% block title %}Write a post{% endblock %}
{% block content %}
<form class="card form" method="post" enctype="multipart/form-data" {% offline_form "viewed post" %}>
  {% csrf_token %}{{ form.as_div }}<button type="submit">Post</button>
</form>
{% endblock %}"""


class MessagingPostCreateView(PostCreateView):
    """Says on the next page what it has done."""

    def form_valid(self, form: ModelForm) -> HttpResponse:
        """Save, and say so."""
        messages.success(self.request, f"{form.instance.title} <is> in.")
        return super().form_valid(form)

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """The form without the name of the demo's own handler."""
        return HttpResponse(engines["django"].from_string(PAGE).render(context, self.request))


def create(request: HttpRequest) -> HttpResponse:
    """The view of the form."""
    return MessagingPostCreateView.as_view()(request)


urlpatterns = [path("posts/new/", offline_view(create, name="viewed post")), path("", include("demo_site.urls"))]
