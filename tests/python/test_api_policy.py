"""No default of the site's, for DRF or for its pages, changes how the API answers."""

import pytest
from django.urls import reverse
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from offlinesync.api.views import SessionView
from offlinesync.api.viewset import SubmissionViewSet
from tests.python.wire import Device, batch, refusal


class Hostile:
    def __init__(self, *args: object, **kwargs) -> None:
        raise AssertionError("A default of the site was used.")


HOSTILE = {
    "DEFAULT_RENDERER_CLASSES": [Hostile],
    "DEFAULT_PARSER_CLASSES": [Hostile],
    "DEFAULT_AUTHENTICATION_CLASSES": [Hostile],
    "DEFAULT_PERMISSION_CLASSES": [Hostile],
    "DEFAULT_THROTTLE_CLASSES": [Hostile],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": Hostile,
    "DEFAULT_METADATA_CLASS": Hostile,
    "DEFAULT_VERSIONING_CLASS": Hostile,
}


def hostile_exception_handler(exc, context):
    raise AssertionError("The site's exception handler was used.")


def test_no_policy_is_left_to_the_site_s_defaults():
    """DRF copies its settings into ``APIView``; each must be spelt out by us."""
    policies = [name for name in vars(APIView) if name.endswith(("_classes", "_class"))]
    assert len(policies) >= 8
    for view in (SessionView, SubmissionViewSet):
        for name in policies:
            owner = next(cls for cls in view.__mro__ if name in vars(cls))
            assert owner.__module__.startswith("offlinesync."), f"{view.__name__}.{name} comes from {owner}"


def test_the_site_s_drf_defaults_change_nothing(settings, recorder, monkeypatch):
    settings.REST_FRAMEWORK = {
        **HOSTILE,
        "EXCEPTION_HANDLER": hostile_exception_handler,
        "UNAUTHENTICATED_USER": None,
        "UNICODE_JSON": True,
        "COMPACT_JSON": False,
        "STRICT_JSON": False,
        "FORMAT_SUFFIX_KWARG": "format",
        "URL_FORMAT_OVERRIDE": "format",
    }
    for name, value in HOSTILE.items():
        attribute = name.removeprefix("DEFAULT_").lower()
        monkeypatch.setattr(APIView, attribute, value)
    assert api_settings.EXCEPTION_HANDLER is hostile_exception_handler
    device = Device()
    assert device.open_session()["protocol"] == 1
    assert device.send(batch(), headers={"Accept": "text/html"}).status_code == 200
    assert refusal(device.send(batch(protocol=2))) == (400, "unsupported_protocol")
    assert refusal(device.send(b"x", "text/plain")) == (415, "unsupported_media_type")
    assert refusal(Device().post(reverse("offlinesync:submissions"))) == (403, "csrf_failed")


@pytest.mark.django_db
def test_the_views_are_open_under_login_required_middleware(settings, recorder):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    device = Device()
    assert device.open_session()["owner"] is None
    assert device.send(batch()).status_code == 200
