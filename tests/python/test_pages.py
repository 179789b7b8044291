import pytest
from django.test import override_settings
from django.urls import reverse

from offlinesync import scripts

pytestmark = pytest.mark.django_db


def test_the_worker_is_allowed_the_whole_site_and_asked_for_each_time(client):
    response = client.get(reverse("offlinesync:serviceworker"))
    assert response.status_code == 200
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert response["Service-Worker-Allowed"] == "/"
    assert response["Cache-Control"] == "no-cache"


def test_d8_the_worker_has_a_policy_of_its_own(client):
    policy = client.get(reverse("offlinesync:serviceworker"))["Content-Security-Policy"]
    assert policy == "default-src 'none'; script-src 'self'; connect-src 'self'"
    with override_settings(STATIC_URL="https://cdn.example/static/"):
        policy = client.get(reverse("offlinesync:serviceworker"))["Content-Security-Policy"]
    assert "connect-src 'self' https://cdn.example" in policy


def test_the_client_is_immutable_under_its_digest(client):
    response = client.get(scripts.client_url())
    assert response.content.decode() == scripts.client_script()
    assert "immutable" in response["Cache-Control"]


def test_a_page_from_before_a_deploy_gets_a_client_that_is_not_kept(client):
    response = client.get(reverse("offlinesync:client", args=["0123456789abcdef"]))
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"


def test_p8_the_offline_page_is_rendered_for_nobody(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("anna", password="x"))
    page = client.get(reverse("offlinesync:offline")).content.decode()
    assert '<meta name="offlinesync-owner" content="">' in page
    assert "anna" not in page


@pytest.mark.parametrize("name", ["serviceworker", "offline"])
def test_pages_are_open_under_login_required_middleware(client, settings, name):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert client.get(reverse(f"offlinesync:{name}")).status_code == 200
    assert client.get(scripts.client_url()).status_code == 200


@pytest.mark.parametrize("name", ["serviceworker", "offline"])
def test_pages_are_only_read(client, name):
    assert client.post(reverse(f"offlinesync:{name}")).status_code == 405
