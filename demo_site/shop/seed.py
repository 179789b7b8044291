"""The products that a new demo begins with."""

from decimal import Decimal

from demo_site.shop.models import Product


def seed() -> None:
    """Make them; of some there is little, so that they run out."""
    products = [
        ("Wool socks", "14.50", 5),
        ("Head torch", "39.00", 2),
        ("Waterproof notebook", "8.90", 40),
        ("Gas cartridge", "6.20", 12),
    ]
    Product.objects.bulk_create(
        [Product(name=name, price=Decimal(price), stock=stock) for name, price, stock in products]
    )
