import re
from pathlib import Path

import pytest
from django.template import RequestContext, Template
from django.test import override_settings
from django.urls import reverse
from django.utils import translation

from offlinesync import scripts
from offlinesync.texts import texts_in, texts_url

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


def test_the_texts_are_immutable_under_their_digest(client):
    response = client.get(texts_url())
    assert response.content.decode() == texts_in("en")
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert "immutable" in response["Cache-Control"]


def test_a_page_from_before_a_deploy_gets_texts_that_are_not_kept(client):
    response = client.get(reverse("offlinesync:texts", args=["en", "0123456789abcdef"]))
    assert response.content.decode() == texts_in("en")
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("language", ["tlh", "ca@valencia", "xx-YY"])
def test_p9_a_site_s_own_language_has_texts(client, settings, language):
    settings.LANGUAGES = [*settings.LANGUAGES, (language, "Of the site's own")]
    with translation.override(language):
        url = texts_url()
    assert f"/texts.{language.lower()}." in url
    assert "immutable" in client.get(url)["Cache-Control"]


def test_p9_a_language_that_the_site_does_not_have_gets_the_site_s_texts(client):
    with translation.override("qqq"):
        assert client.get(texts_url()).status_code == 200
    with translation.override("de-at"):
        assert "/texts.de." in texts_url()


@pytest.mark.parametrize("language", ["qqq", "de-aaaaa", "DE"])
def test_d8_a_language_that_the_site_does_not_have_is_not_kept_in_memory(client, language):
    assert client.get(reverse("offlinesync:texts", args=[language, "0123456789abcdef"])).status_code == 404


def test_p8_the_offline_page_is_rendered_for_nobody(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("anna", password="x"))
    page = client.get(reverse("offlinesync:offline")).content.decode()
    assert '<meta name="offlinesync-owner" content="">' in page
    assert "anna" not in page


def test_the_offline_page_has_its_looks_at_once_and_can_be_filled_by_a_site(rf):
    # The demo has one of its own.
    ours = Template((Path(scripts.__file__).parent / "templates/offlinesync/offline.html").read_text(encoding="utf-8"))
    page = ours.render(RequestContext(rf.get("/")))
    assert '<link rel="stylesheet" href="/static/offlinesync/offlinesync.css">' in page
    assert "offlinesync-style" not in page
    filled = "{% extends ours %}{% block title %}Gone{% endblock %}{% block content %}Later{% endblock %}"
    page = Template(filled).render(RequestContext(rf.get("/"), {"ours": ours}))
    assert "<title>Gone</title>" in page
    assert re.search(r'<main class="offlinesync-page">\s*Later\s*</main>', page)


@pytest.mark.parametrize("name", ["serviceworker", "offline"])
def test_pages_are_open_under_login_required_middleware(client, settings, name):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert client.get(reverse(f"offlinesync:{name}")).status_code == 200
    assert client.get(scripts.client_url()).status_code == 200
    assert client.get(texts_url()).status_code == 200


@pytest.mark.parametrize("name", ["serviceworker", "offline"])
def test_pages_are_only_read(client, name):
    assert client.post(reverse(f"offlinesync:{name}")).status_code == 405


def test_p9_the_worker_of_a_site_that_is_switched_off_only_takes_itself_away(client, settings):
    url, kept_client = reverse("offlinesync:serviceworker"), scripts.client_url()
    settings.OFFLINESYNC = {"ENABLED": False}
    response = client.get(url)
    worker = response.content.decode()
    assert "registration.unregister()" in worker
    assert '"fetch"' not in worker.partition("addEventListener")[2]
    assert "indexedDB" not in worker
    assert response["Service-Worker-Allowed"] == "/"
    assert response["Cache-Control"] == "no-cache"
    # A page from before still finds a client, and nobody keeps what it is given.
    assert scripts.client_url() != kept_client
    assert client.get(kept_client)["Cache-Control"] == "no-store"


def test_p2_a_site_that_is_switched_off_still_takes_what_waits(client, settings):
    settings.OFFLINESYNC = {"ENABLED": False}
    session = client.get(reverse("offlinesync:session")).json()
    submission = {
        "id": "01970000-0000-7000-8000-000000000001",
        "form": "post",
        "captured_at": "2026-11-23T07:59:58.120Z",
        "fields": [["title", "Late"], ["location", "Coach 9"], ["body", "Rain."]],
        "language": "en",
        "time_zone": "UTC",
    }
    response = client.post(
        reverse("offlinesync:submissions"),
        {"protocol": session["protocol"], "owner": None, "submissions": [submission]},
        content_type="application/json",
        headers={session["csrf_header"]: session["csrf_token"]},
    )
    assert [receipt["status"] for receipt in response.json()["receipts"]] == ["accepted"]
