"""URLs of the survey."""

from django.urls import path

from demo_site.survey import views

app_name = "survey"

urlpatterns = [
    path("", views.ObservationListView.as_view(), name="list"),
    path("new/", views.ObservationCreateView.as_view(), name="create"),
]
