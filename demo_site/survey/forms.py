"""The form of one observation, for the plain view and for the offline handler alike."""

from django import forms
from django.utils.translation import gettext_lazy as _

from demo_site.survey.models import Observation


class ObservationForm(forms.ModelForm):
    """What is noted at one place."""

    # Without the empty choice that a model's own field begins with.
    condition = forms.ChoiceField(label=_("Condition"), choices=Observation.Condition, widget=forms.RadioSelect)

    class Meta:
        model = Observation
        fields = ["site", "date", "count", "condition", "note"]
        widgets = {
            # A date input takes this format alone, in every language.
            "date": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            "count": forms.NumberInput(attrs={"inputmode": "numeric"}),
            "note": forms.Textarea(attrs={"rows": 3}),
        }
