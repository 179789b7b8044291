"""What makes the survey work offline: the handler for `{% offline_form "observation" %}`."""

from rest_framework.permissions import AllowAny

import offlinesync
from demo_site.survey.forms import ObservationForm
from demo_site.survey.views import ObservationCreateView


@offlinesync.register("observation")
class ObservationHandler(offlinesync.FormHandler):
    """Take an observation from anybody, signed in or not, as the plain view does."""

    form_class = ObservationForm
    permission_classes = [AllowAny]
    success_url = ObservationCreateView.success_url
