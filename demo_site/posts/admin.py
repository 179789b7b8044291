"""The posts in Django's admin."""

from django.contrib import admin

from demo_site.posts.models import Post


@admin.register(Post)
class PostAdmin(admin.ModelAdmin):
    """Posts by title and place."""

    list_display = ["title", "location", "created"]
    search_fields = ["title", "location"]
