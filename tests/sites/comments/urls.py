"""The demo's URLs, and those of the comments."""

from django.urls import include, path

urlpatterns = [path("comments/", include("django_comments.urls")), path("", include("demo_site.urls"))]
