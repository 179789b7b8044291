"""Ordinary Django views: nothing here knows about being offline."""

from django.urls import reverse_lazy
from django.views.generic import CreateView, DetailView, ListView

from demo_site.posts.forms import PostForm
from demo_site.posts.models import Post


class PostListView(ListView):
    """The newest posts first."""

    model = Post
    paginate_by = 50


class PostDetailView(DetailView):
    """One post by itself."""

    model = Post


class PostCreateView(CreateView):
    """Write a post."""

    model = Post
    form_class = PostForm
    success_url = reverse_lazy("posts:list")
