"""What makes the post form work offline: the handler for `{% offline_form "post" %}`."""

from rest_framework.permissions import AllowAny

import offlinesync
from demo_site.posts.forms import PostForm
from demo_site.posts.views import PostCreateView


@offlinesync.register("post")
class PostHandler(offlinesync.FormHandler):
    """Take a post from anybody, signed in or not, as the plain view does."""

    form_class = PostForm
    permission_classes = [AllowAny]
    success_url = PostCreateView.success_url
