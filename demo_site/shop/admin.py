"""The shop in Django's admin."""

from django.contrib import admin

from demo_site.shop.models import Order, OrderLine, Product


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    """Products, whose stock is filled up in the list."""

    list_display = ["name", "price", "stock"]
    list_editable = ["stock"]


class OrderLineInline(admin.TabularInline):
    """What was ordered."""

    model = OrderLine
    extra = 0


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    """Orders with their lines."""

    list_display = ["__str__", "customer", "created"]
    inlines = [OrderLineInline]
