"""What is sold, and what has been ordered."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Product(models.Model):
    """Something of which there is only so much."""

    name = models.CharField(_("name"), max_length=100)
    price = models.DecimalField(_("price"), max_digits=8, decimal_places=2)
    stock = models.PositiveIntegerField(_("stock"))

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class Order(models.Model):
    """What somebody has bought, and where it goes."""

    customer = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("customer"))
    name = models.CharField(_("name"), max_length=100)
    address = models.TextField(_("address"))
    created = models.DateTimeField(_("ordered"), auto_now_add=True)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-created", "-pk"]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @property
    def total(self) -> Decimal:
        """What all of it costs."""
        return sum((line.cost for line in self.lines.all()), Decimal())


class OrderLine(models.Model):
    """How many of one product, at the price of that day."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines", verbose_name=_("order"))
    product = models.ForeignKey(Product, models.PROTECT, verbose_name=_("product"))
    quantity = models.PositiveIntegerField(_("quantity"))
    price = models.DecimalField(_("price"), max_digits=8, decimal_places=2)

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product}"

    @property
    def cost(self) -> Decimal:
        """What they cost together."""
        return self.quantity * self.price
