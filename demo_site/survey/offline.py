"""What makes the survey work offline: the handler for `{% offline_form "observation" %}`."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.permissions import AllowAny

import offlinesync
from demo_site.survey.forms import ObservationForm
from demo_site.survey.models import Observation
from demo_site.survey.views import ObservationCreateView
from demo_site.trial import Refusable
from offlinesync.submissions import IncomingSubmission


@offlinesync.register("observation")
class ObservationHandler(Refusable, offlinesync.FormHandler):
    """Take an observation from anybody, signed in or not, as the plain view does."""

    form_class = ObservationForm
    permission_classes = [AllowAny]
    success_url = ObservationCreateView.success_url
    refused_field = "site"

    def get_result(self, saved: Observation, submission: IncomingSubmission) -> dict[str, Any]:
        # The next form looks like this one did: without a word nobody would know that this one has arrived.
        message = {"text": _("The observation has arrived."), "level": "success"}
        return {**super().get_result(saved, submission), "messages": [message]}
