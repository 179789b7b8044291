"""The form behind "Order": the cart and the address in one, for the plain view and for the offline handler alike."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import F
from django.forms import BoundField
from django.template.defaultfilters import floatformat
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from demo_site.shop.models import Order, OrderLine, Product


class CheckoutForm(forms.ModelForm):
    """How many of each product, and where they go. Validate and save it in one transaction."""

    class Meta:
        model = Order
        fields = ["name", "address"]
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "address": forms.Textarea(attrs={"rows": 3, "autocomplete": "street-address"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.products = {quantity_name(product): product for product in Product.objects.all()}
        for name, product in self.products.items():
            self.fields[name] = quantity_field(product)

    def quantities(self) -> list[BoundField]:
        """The fields of the products."""
        return [self[name] for name in self.products]

    def clean(self) -> dict[str, Any]:
        """See whether there is as much as is wanted.

        The stock on the page is that of the day when the page was kept. What there is now is read with its rows
        locked, here and not while saving: so nobody buys the same sock until this order stands, and what is
        missing is an error of the product's field, where the customer can correct it.
        """
        cleaned = super().clean()
        wanted = {name: cleaned[name] for name in self.products if cleaned.get(name)}
        if not wanted and not any(name in self.errors for name in self.products):
            raise ValidationError(_("Say of at least one thing how many you want."), code="empty")
        keys = [self.products[name].pk for name in wanted]
        # In one order for all, so that no two orders wait for each other.
        locked = Product.objects.select_for_update().filter(pk__in=keys).order_by("pk")
        there = {quantity_name(product): product for product in locked}
        for name, quantity in wanted.items():
            product = there.get(name)
            left = product.stock if product else 0
            if quantity > left:
                self.add_error(name, too_many(self.products[name], left))
        return cleaned

    def save(self, commit: bool = True) -> Order:
        """Save the order with its lines, and take them off the stock, whose rows are locked since it was validated."""
        order = super().save(commit)
        for name, product in self.products.items():
            if quantity := self.cleaned_data[name]:
                OrderLine.objects.create(order=order, product=product, quantity=quantity, price=product.price)
                Product.objects.filter(pk=product.pk).update(stock=F("stock") - quantity)
        return order


def quantity_name(product: Product) -> str:
    """The name of a product's field."""
    return f"product_{product.pk}"


def quantity_field(product: Product) -> forms.IntegerField:
    """How many of it; there is no upper limit in the page, since the stock of a kept page is not today's."""
    return forms.IntegerField(
        label=product.name,
        help_text=format_lazy(
            _("{price} €, in stock: {stock}"), price=floatformat(product.price, 2), stock=product.stock
        ),
        required=False,
        min_value=0,
        max_value=1000,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


def too_many(product: Product, left: int) -> ValidationError:
    """What the customer is told who wants more than there is."""
    if left == 0:
        message = _("“%(product)s” is sold out. Take it out of the order.")
    else:
        message = ngettext(
            "Only %(left)s of “%(product)s” is left. Order fewer.",
            "Only %(left)s of “%(product)s” are left. Order fewer.",
            left,
        )
    return ValidationError(message, code="stock", params={"left": left, "product": product.name})
