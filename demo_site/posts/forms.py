"""The form behind "Write a post", for the plain view and for the offline handler alike."""

from django import forms
from django.utils.translation import gettext_lazy as _

from demo_site.posts.models import Post


class PostForm(forms.ModelForm):
    """The fields a visitor writes."""

    class Meta:
        model = Post
        fields = ["title", "location", "body", "photo"]
        widgets = {
            "title": forms.TextInput(attrs={"dir": "auto"}),
            "location": forms.TextInput(attrs={"dir": "auto"}),
            "body": forms.Textarea(attrs={"rows": 7, "dir": "auto"}),
        }
        help_texts = {"photo": _("If you have one.")}
