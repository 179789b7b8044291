"""URLs of the shop."""

from django.urls import path

from demo_site.shop import views

app_name = "shop"

urlpatterns = [
    path("", views.CheckoutView.as_view(), name="checkout"),
    path("orders/", views.OrderListView.as_view(), name="orders"),
]
