"""What makes the order form work offline: the handler for `{% offline_form "order" %}`."""

import offlinesync
from demo_site.shop.forms import CheckoutForm
from demo_site.shop.models import Order
from demo_site.shop.views import CheckoutView
from demo_site.trial import Refusable
from offlinesync.submissions import IncomingSubmission


@offlinesync.register("order")
class OrderHandler(Refusable, offlinesync.FormHandler):
    """Take an order from a customer who is signed in. What its form refuses stays on the device, to be corrected."""

    form_class = CheckoutForm
    success_url = CheckoutView.success_url
    refused_field = "address"

    def save(self, form: CheckoutForm, submission: IncomingSubmission) -> Order:
        form.instance.customer = submission.user
        return super().save(form, submission)
