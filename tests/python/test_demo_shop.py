"""The demo's shop: a stock that runs out while somebody is offline."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections
from django.test import Client

from demo_site.shop.models import Order, OrderLine, Product
from demo_site.shop.views import CheckoutView

from .stories import account, filled, forms_on, messages, send

pytestmark = pytest.mark.django_db
CUSTOMERS = 8
ADDRESS = {"name": "Ann", "address": "The hut\r\nThe ridge"}


@pytest.fixture
def socks():
    return Product.objects.create(name="Wool socks", price="14.50", stock=3)


@pytest.fixture
def torch():
    return Product.objects.create(name="Head torch", price="39.00", stock=1)


@pytest.fixture
def signed_in(client):
    client.force_login(User.objects.create(username="demo1"))
    return client


def cart(quantities):
    return {**ADDRESS, **{f"product_{product.pk}": str(quantity) for product, quantity in quantities.items()}}


def order_form(client):
    (form,) = forms_on(client, "/shop/", "order")
    return form


def stock(*products: Product) -> list[int]:
    return [Product.objects.get(pk=product.pk).stock for product in products]


def test_everybody_sees_what_there_is_and_only_accounts_order(client, socks):
    page = client.get("/shop/").content.decode()
    assert "Wool socks" in page
    assert "14.50 €, in stock: 3" in page
    assert "<button" not in page.partition("<footer")[0]
    assert client.post("/shop/", cart({socks: 1}))["Location"] == "/accounts/login/?next=/shop/"
    assert client.get("/shop/orders/")["Location"] == "/accounts/login/?next=/shop/orders/"
    assert not Order.objects.exists()


def test_an_order_is_taken_off_the_stock_at_the_price_of_the_day(signed_in, socks, torch):
    (receipt,) = send(filled(order_form(signed_in), cart({socks: 2, torch: ""})), user=account("demo1"))
    assert (receipt.status, receipt.result["url"]) == ("accepted", str(CheckoutView.success_url))
    assert stock(socks, torch) == [1, 1]
    Product.objects.update(price="99.00")
    (line,) = OrderLine.objects.all()
    assert (line.order.name, line.order.customer.username, line.quantity) == ("Ann", "demo1", 2)
    assert "29.00 €" in signed_in.get("/shop/orders/").content.decode()


def test_what_has_run_out_is_refused_at_its_product_and_nothing_is_sold(signed_in, socks, torch):
    submission = filled(order_form(signed_in), cart({socks: 3, torch: 1}))
    Product.objects.filter(pk=socks.pk).update(stock=2)
    (receipt,) = send(submission, user=account("demo1"))
    assert receipt.code == "invalid"
    assert messages(receipt) == {f"product_{socks.pk}": ["Only 2 of “Wool socks” are left. Order fewer."]}
    assert stock(socks, torch) == [2, 1]
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (1, "Only 1 of “Wool socks” is left. Order fewer."),
        (0, "“Wool socks” is sold out. Take it out of the order."),
    ],
)
def test_the_last_one_and_none_at_all_are_told_apart(signed_in, socks, left, told):
    Product.objects.update(stock=left)
    (receipt,) = send(filled(order_form(signed_in), cart({socks: 2})), user=account("demo1"))
    assert messages(receipt) == {f"product_{socks.pk}": [told]}


def test_two_orders_of_one_batch_share_one_stock(signed_in, socks):
    form = order_form(signed_in)
    orders = [filled(form, cart({socks: 2})) for _ in range(2)]
    receipts = send(*orders, user=account("demo1"))
    assert [receipt.status for receipt in receipts] == ["accepted", "rejected"]
    assert stock(socks) == [1]


@pytest.mark.django_db(transaction=True)
def test_c1_those_who_order_at_the_same_time_never_buy_the_same_thing():
    customer = User.objects.create(username="demo1")
    socks = Product.objects.create(name="Wool socks", price="14.50", stock=3)
    at_once = Barrier(CUSTOMERS)
    browsers = [Client() for _ in range(CUSTOMERS)]
    for browser in browsers:
        browser.force_login(customer)

    def order(browser):
        try:
            at_once.wait()
            return browser.post("/shop/", cart({socks: 1})).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(CUSTOMERS) as pool:
        outcomes = sorted(pool.map(order, browsers))
    # Without a lock the database's own check of the stock would end some of them with an error.
    assert outcomes == [200] * (CUSTOMERS - 3) + [302] * 3
    assert (stock(socks), OrderLine.objects.count()) == ([0], 3)


@pytest.mark.parametrize("quantity", ["", "0"])
def test_an_empty_cart_is_refused(signed_in, socks, quantity):
    (receipt,) = send(filled(order_form(signed_in), cart({socks: quantity})), user=account("demo1"))
    assert messages(receipt) == {"__all__": ["Say of at least one thing how many you want."]}


def test_a_number_that_is_none_is_told_once(signed_in, socks):
    (receipt,) = send(filled(order_form(signed_in), cart({socks: "-1"})), user=account("demo1"))
    assert list(messages(receipt)) == [f"product_{socks.pk}"]


def test_p7_the_plain_form_does_the_same(signed_in, socks):
    page = signed_in.post("/shop/", cart({socks: 4})).content.decode()
    assert "Only 3 of “Wool socks” are left. Order fewer." in page
    assert signed_in.post("/shop/", cart({socks: 3}))["Location"] == "/shop/orders/"
    assert stock(socks) == [0]


def test_p4_nobody_sees_the_orders_of_another(client, signed_in, socks):
    signed_in.post("/shop/", cart({socks: 1}))
    assert "Wool socks" in signed_in.get("/shop/orders/").content.decode().partition("</template>")[2]
    client.force_login(User.objects.create(username="demo2"))
    assert "You have ordered nothing yet." in client.get("/shop/orders/").content.decode()


def test_a_new_demo_has_products_of_which_some_run_out():
    call_command("seed_demo", verbosity=0)
    assert Product.objects.filter(stock__lt=3).exists()
