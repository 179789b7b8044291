"""The tests' forms."""

from django import forms

from .models import Note


class NoteForm(forms.ModelForm):
    """A note, and how its handler is to behave."""

    behaviour = forms.CharField(required=False)

    class Meta:
        model = Note
        fields = ["title", "body", "slug", "day", "moment", "attachment"]

    def clean_slug(self) -> str | None:
        """No slug is no collision."""
        return self.cleaned_data["slug"] or None


class ContactForm(forms.Form):
    """A form that knows no saving."""

    text = forms.CharField()
