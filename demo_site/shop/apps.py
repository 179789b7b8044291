"""The app of the shop."""

from django.apps import AppConfig


class ShopConfig(AppConfig):
    """The demo's story of a stock that runs out while somebody is offline."""

    name = "demo_site.shop"
    label = "shop"
