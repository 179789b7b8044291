"""Ordinary Django views: nothing here knows about being offline."""

from django.urls import reverse_lazy
from django.views.generic import CreateView, ListView

from demo_site.survey.forms import ObservationForm
from demo_site.survey.models import Observation


class ObservationListView(ListView):
    """What has arrived, the newest first."""

    model = Observation
    paginate_by = 50


class ObservationCreateView(CreateView):
    """Note what there is at one place, and go on with the next."""

    model = Observation
    form_class = ObservationForm
    success_url = reverse_lazy("survey:create")
