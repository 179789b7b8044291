"""``{% load shop %}``: what is sold, for a template that gets no context."""

from django import template

from demo_site.shop.forms import CheckoutForm

register = template.Library()


@register.simple_tag
def quantity_names() -> list[tuple[str, str]]:
    """The names of the checkout's fields, each with its product's own."""
    return [(name, product.name) for name, product in CheckoutForm().products.items()]
