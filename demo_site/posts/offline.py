"""What makes the post form work offline: the handler for `{% offline_form "post" %}`."""

from rest_framework.permissions import AllowAny

import offlinesync
from demo_site.posts.forms import PostForm
from demo_site.posts.views import PostCreateView
from demo_site.trial import Refusable


@offlinesync.register("post")
class PostHandler(Refusable, offlinesync.FormHandler):
    """Take a post from anybody, signed in or not, as the plain view does."""

    form_class = PostForm
    permission_classes = [AllowAny]
    success_url = PostCreateView.success_url
    refused_field = "title"
