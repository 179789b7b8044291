"""Ordinary Django views: nothing here knows about being offline."""

from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.views.generic import CreateView, ListView

from demo_site.shop.forms import CheckoutForm
from demo_site.shop.models import Order


class CheckoutView(CreateView):
    """What there is, for everybody to look at; whoever is signed in orders."""

    form_class = CheckoutForm
    template_name = "shop/checkout.html"
    success_url = reverse_lazy("shop:orders")

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.path)
        # What the form has locked while it was validated has to stay so until it is saved.
        with transaction.atomic():
            return super().post(request, *args, **kwargs)

    def form_valid(self, form: CheckoutForm) -> HttpResponse:
        form.instance.customer = self.request.user
        return super().form_valid(form)


class OrderListView(LoginRequiredMixin, ListView):
    """What the customer has ordered, the newest first."""

    paginate_by = 20

    def get_queryset(self) -> QuerySet[Order]:
        return Order.objects.filter(customer=self.request.user).prefetch_related("lines__product")
