import pytest
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from tests.python.wire import Device, Recorder, batch, blob, refusal

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def recorder(monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr("offlinesync.api.viewset.ingest", recorder)
    return recorder


@pytest.fixture
def anna(django_user_model):
    return django_user_model.objects.create_user("anna")


@pytest.fixture
def bert(django_user_model):
    return django_user_model.objects.create_user("bert")


def signed_in(user):
    device = Device()
    if user is not None:
        device.force_login(user)
    return device


class Untouchable:
    """A body that nobody may read."""

    def read(self, *args: object):
        raise AssertionError("The body was read.")

    readline = read


def post(device, body, content_type, **extra):
    return device.generic("POST", reverse("offlinesync:submissions"), body, content_type, **extra)


@pytest.mark.parametrize("by", ["nobody", "anna"])
@pytest.mark.parametrize("kind", ["json", "multipart"])
def test_d4_no_token_is_refused_for_everybody(recorder, anna, by, kind):
    device = signed_in(anna if by == "anna" else None)
    device.open_session()
    device.csrf_headers = {"X-Other": "1"}
    response = device.send(batch()) if kind == "json" else device.send_parts(blob(batch()))
    assert refusal(response) == (403, "csrf_failed")
    assert recorder.submissions == []


@pytest.mark.parametrize("by", ["nobody", "anna"])
def test_d4_a_token_in_a_form_field_does_not_count(recorder, anna, by):
    """A cross-site form can fill fields, and no header."""
    device = signed_in(anna if by == "anna" else None)
    token = device.open_session()["csrf_token"].encode()
    device.csrf_headers = {"X-Other": "1"}
    for body in (
        device.send_parts(("csrfmiddlewaretoken", token), blob(batch())),
        device.send(batch(csrfmiddlewaretoken=token.decode())),
        device.send(b"csrfmiddlewaretoken=" + token, "application/x-www-form-urlencoded"),
    ):
        assert refusal(body) == (403, "csrf_failed")
    assert recorder.submissions == []


def test_d4_a_token_that_a_middleware_accepted_in_a_form_field_does_not_count(settings, recorder):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.python.test_api_authentication.trusting_middleware"]
    device = Device()
    device.open_session()
    device.csrf_headers = {"X-Other": "1"}
    assert refusal(device.send_parts(blob(batch()))) == (403, "csrf_failed")
    assert recorder.submissions == []


def trusting_middleware(get_response):
    def middleware(request):
        request.csrf_processing_done = True
        return get_response(request)

    return middleware


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=limit"])
def test_d4_the_body_is_not_read_for_the_token(content_type):
    device = Device()
    device.open_session()
    environ = {"wsgi.input": Untouchable(), "CONTENT_LENGTH": "100"}
    assert refusal(post(device, b"", content_type, **environ)) == (403, "csrf_failed")


@pytest.mark.parametrize("token", ["", "x", "x" * 64, "ä" * 32, "x" * 10000])
def test_d4_a_wrong_token_is_refused(token):
    device = Device()
    device.open_session()
    assert refusal(post(device, b"{}", "application/json", HTTP_X_CSRFTOKEN=token)) == (403, "csrf_failed")


def test_d4_a_token_without_its_cookie_is_refused():
    device = Device()
    device.open_session()
    device.cookies.clear()
    assert refusal(device.send(batch())) == (403, "csrf_failed")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TEAPOT"])
def test_d4_every_unsafe_method_is_checked(method):
    response = Device().generic(method, reverse("offlinesync:submissions"), b"{}", "application/json")
    assert refusal(response) == (403, "csrf_failed")


@pytest.mark.parametrize(
    ("secure", "headers"),
    [
        (False, {"Origin": "http://evil.example"}),
        (False, {"Origin": "null"}),
        (True, {}),
        (True, {"Referer": "https://evil.example/"}),
        (True, {"Referer": "http://testserver/"}),
        (True, {"Origin": "https://evil.example", "Referer": "https://testserver/"}),
    ],
)
def test_d4_a_foreign_origin_is_refused_despite_the_token(secure, headers):
    device = Device()
    device.open_session(secure=secure)
    assert refusal(device.send(batch(), secure=secure, headers=headers)) == (403, "csrf_failed")


def test_a_trusted_origin_is_let_in(settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.example.com"]
    device = Device()
    device.open_session()
    assert device.send(batch(), headers={"Origin": "https://app.example.com"}).status_code == 200


def test_the_reason_is_told_and_logged(caplog):
    device = Device()
    device.open_session()
    response = device.send(batch(), headers={"Origin": "http://evil.example"})
    assert "evil.example does not match any trusted origins" in response.json()["detail"]
    assert "does not match any trusted origins" in caplog.text


def test_d1_a_batch_goes_to_its_owner(recorder, anna):
    assert signed_in(anna).send(batch(owner=str(anna.pk))).status_code == 200
    assert recorder.user == anna
    assert [submission.user for submission in recorder.submissions] == [anna]


def test_d1_nobody_delivers_what_is_another_s(recorder, anna, bert):
    assert refusal(signed_in(bert).send(batch(owner=str(anna.pk)))) == (409, "owner_changed")
    assert recorder.submissions == []


@pytest.mark.parametrize("owner", ["0", "no-such-user", "\ud800", "x" * 1000])
def test_d9_an_owner_nobody_has_answers_like_another_s(anna, owner):
    assert refusal(signed_in(anna).send(batch(owner=owner))) == (409, "owner_changed")
    assert refusal(Device().send(batch(owner=owner))) == (403, "not_authenticated")


def test_d5_a_batch_of_somebody_waits_for_sign_in(recorder, anna):
    assert refusal(Device().send(batch(owner=str(anna.pk)))) == (403, "not_authenticated")
    assert recorder.submissions == []


def test_d5_a_user_who_was_deactivated_is_not_signed_in(recorder, anna):
    device = signed_in(anna)
    device.open_session()
    type(anna).objects.update(is_active=False)
    assert refusal(device.send(batch(owner=str(anna.pk)))) == (403, "not_authenticated")
    assert recorder.submissions == []


def test_an_anonymous_batch_is_an_anonymous_visitor_s_whoever_is_signed_in(recorder, anna):
    assert signed_in(anna).send(batch(owner=None)).status_code == 200
    assert isinstance(recorder.user, AnonymousUser)
    assert isinstance(recorder.submissions[0].user, AnonymousUser)


@pytest.mark.parametrize("owner", ["", 1, True, [], {}])
def test_an_owner_is_text_or_null(anna, owner):
    assert refusal(signed_in(anna).send(batch(owner=owner))) == (400, "malformed")
    assert refusal(Device().send(batch(owner=owner))) == (400, "malformed")


def test_the_owner_must_be_named(anna):
    unnamed = batch()
    del unnamed["owner"]
    assert refusal(signed_in(anna).send(unnamed)) == (400, "malformed")


def test_d2_the_owner_is_compared_on_every_request(recorder, anna, bert):
    device = signed_in(anna)
    device.open_session()
    assert device.send(batch(owner=str(anna.pk))).status_code == 200
    device.force_login(bert)
    device.open_session()
    assert refusal(device.send(batch(owner=str(anna.pk)))) == (409, "owner_changed")
    device.logout()
    device.open_session()
    assert refusal(device.send(batch(owner=str(anna.pk)))) == (403, "not_authenticated")
    device.force_login(anna)
    device.open_session()
    assert device.send(batch(owner=str(anna.pk))).status_code == 200


def test_a_site_without_sessions_takes_anonymous_batches(settings, recorder):
    settings.MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware"]
    device = Device()
    assert device.open_session()["owner"] is None
    assert device.send(batch()).status_code == 200
    assert refusal(device.send(batch(owner="1"))) == (403, "not_authenticated")


def test_d9_no_endpoint_reads_by_id(anna):
    device = signed_in(anna)
    device.open_session()
    for path in ("", "1/", "01970000-0000-7000-8000-000000000001/"):
        assert device.get(reverse("offlinesync:submissions") + path).status_code in (404, 405)
