import pytest
from django.test import override_settings
from django.urls import reverse

from tests.python.wire import Device, Recorder, batch

pytestmark = pytest.mark.django_db

CSRF_MIDDLEWARE = "django.middleware.csrf.CsrfViewMiddleware"


@pytest.fixture(autouse=True)
def recorder(monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr("offlinesync.api.viewset.ingest", recorder)
    return recorder


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user("anna", password="secret")


def test_the_session_tells_an_anonymous_visitor_the_limits(settings):
    settings.OFFLINESYNC = {"MAX_SUBMISSIONS": 7, "MAX_BYTES": 1000, "MAX_SUBMISSION_BYTES": 5000}
    response = Device().get(reverse("offlinesync:session"))
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    session = response.json()
    assert len(session.pop("csrf_token")) == 64
    assert session == {
        "protocol": 1,
        "csrf_header": "X-CSRFToken",
        "owner": None,
        "login_url": "/accounts/login/",
        "max_submissions": 7,
        "max_bytes": 1000,
        "max_submission_bytes": 5000,
        "part_bytes": 524288,
    }


def test_max_bytes_follows_djangos_own_limit(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 4242
    assert Device().open_session()["max_bytes"] == 4242


def test_the_owner_is_the_primary_key_as_text(user):
    device = Device()
    device.force_login(user)
    assert device.open_session()["owner"] == str(user.pk)


@pytest.mark.parametrize(
    ("setting", "url"),
    [("login", "/accounts/login/"), ("/sign-in/", "/sign-in/"), ("no-such-name", None), (None, None)],
)
def test_login_url_is_resolved_as_django_resolves_it(settings, setting, url):
    settings.LOGIN_URL = setting
    assert Device().open_session()["login_url"] == url


def test_nothing_is_kept_in_any_cache():
    response = Device().get(reverse("offlinesync:session"))
    assert {"no-store", "private"} <= set(response["Cache-Control"].split(", "))


def test_an_anonymous_visitor_without_a_session_costs_no_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        Device().open_session()


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_the_session_is_only_read(method):
    device = Device()
    device.open_session()
    response = device.generic(method.upper(), reverse("offlinesync:session"), headers=device.csrf_headers)
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"
    assert response.json()["code"] == "method_not_allowed"


def test_the_session_answers_json_whatever_is_asked_for():
    response = Device().get(reverse("offlinesync:session"), {"format": "html"}, headers={"Accept": "text/html"})
    assert response.status_code == 200
    assert response.json()["protocol"] == 1


CSRF_SETTINGS = {
    "defaults": {},
    "sessions": {"CSRF_USE_SESSIONS": True},
    "http only": {"CSRF_COOKIE_HTTPONLY": True},
    "renamed cookie": {"CSRF_COOKIE_NAME": "xsrf"},
    "renamed header": {"CSRF_HEADER_NAME": "HTTP_X_XSRF_TOKEN"},
    "all at once": {"CSRF_USE_SESSIONS": True, "CSRF_COOKIE_NAME": "xsrf", "CSRF_HEADER_NAME": "HTTP_X_XSRF_TOKEN"},
}


@pytest.mark.parametrize("name", CSRF_SETTINGS)
@pytest.mark.parametrize("middleware", [True, False])
@pytest.mark.parametrize("signed_in", [True, False])
def test_d3_the_session_s_token_is_good_for_sending(settings, user, name, middleware, signed_in):
    if not middleware:
        settings.MIDDLEWARE = [entry for entry in settings.MIDDLEWARE if entry != CSRF_MIDDLEWARE]
    with override_settings(**CSRF_SETTINGS[name]):
        device = Device()
        if signed_in:
            device.force_login(user)
        owner = device.open_session()["owner"]
        assert owner == (str(user.pk) if signed_in else None)
        assert device.send(batch(owner=owner)).status_code == 200
        # The same secret stays: asking again does not make the first token stale.
        first = dict(device.csrf_headers)
        device.open_session()
        assert device.send(batch(owner=owner), headers=first).status_code == 200


def test_a_renamed_header_is_told(settings):
    settings.CSRF_HEADER_NAME = "HTTP_X_XSRF_TOKEN"
    assert Device().open_session()["csrf_header"] == "X-Xsrf-Token"


def test_d3_a_token_made_stale_by_signing_in_is_replaced_by_the_session_s(user):
    device = Device()
    stale = device.open_session()["csrf_token"]
    page = device.get(reverse("login"))
    token = page.context["csrf_token"]
    signed_in = device.post(
        reverse("login"), {"username": "anna", "password": "secret", "csrfmiddlewaretoken": str(token)}
    )
    assert signed_in.status_code == 302
    refused = device.send(batch(owner=str(user.pk)), headers={"X-CSRFToken": stale})
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
    session = device.open_session()
    assert device.send(batch(owner=session["owner"])).status_code == 200


@pytest.mark.parametrize("headers", [{"Origin": "https://testserver"}, {"Referer": "https://testserver/posts/"}])
@pytest.mark.parametrize("over_sessions", [True, False])
def test_the_token_is_good_over_https(settings, headers, over_sessions):
    settings.CSRF_USE_SESSIONS = over_sessions
    device = Device()
    device.open_session(secure=True)
    assert device.send(batch(), secure=True, headers=headers).status_code == 200
