"""URLs of the posts."""

from django.urls import path

from demo_site.posts import api, views

app_name = "posts"

urlpatterns = [
    path("", views.PostListView.as_view(), name="list"),
    path("posts/new/", views.PostCreateView.as_view(), name="create"),
    path("posts/<int:pk>/", views.PostDetailView.as_view(), name="detail"),
    path("api/posts/", api.PostListAPIView.as_view(), name="api"),
]
