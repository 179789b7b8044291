"""The app of the demo's posts."""

from django.apps import AppConfig


class PostsConfig(AppConfig):
    """The demo's story: posts, written where there may be no network."""

    name = "demo_site.posts"
    label = "posts"
