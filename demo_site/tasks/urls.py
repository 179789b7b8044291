"""URLs of the tasks."""

from django.urls import path

from demo_site.tasks import views

app_name = "tasks"

urlpatterns = [
    path("", views.TaskListView.as_view(), name="list"),
    path("<int:pk>/", views.TaskEditView.as_view(), name="edit"),
    path("<int:pk>/done/", views.TaskDoneView.as_view(), name="done"),
]
