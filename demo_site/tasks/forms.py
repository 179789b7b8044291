"""The two forms of a task, for the plain views and for the offline handlers alike."""

from django import forms

from demo_site.tasks.models import Task


class TaskForm(forms.ModelForm):
    """All there is to say about a task; whether it is done is said in the list."""

    class Meta:
        model = Task
        fields = ["title", "notes", "assigned_to", "due"]
        widgets = {
            "notes": forms.Textarea(attrs={"rows": 5}),
            # A date input takes this format alone, in every language.
            "due": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        }


class TaskDoneForm(forms.ModelForm):
    """Whether a task is done."""

    class Meta:
        model = Task
        fields = ["done"]
