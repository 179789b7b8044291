from django.contrib import admin

from demo_site.posts.models import Post


@admin.register(Post)
class PostAdmin(admin.ModelAdmin):
    list_display = ["title", "location", "created"]
    search_fields = ["title", "location"]
