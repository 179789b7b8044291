"""The dict OFFLINESYNC."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from rest_framework.throttling import AnonRateThrottle

from offlinesync.conf import DEFAULTS, app_settings


def test_the_defaults_hold_where_the_site_says_nothing(settings: object) -> None:
    del settings.OFFLINESYNC
    assert app_settings.MAX_SUBMISSIONS == 100
    assert app_settings.MAX_SUBMISSION_BYTES == 52428800
    assert app_settings.THROTTLE_CLASSES == []
    assert app_settings.PAGES == []
    assert app_settings.NETWORK_TIMEOUT == 4


def test_the_site_overrides_one_and_keeps_the_others(settings: object) -> None:
    settings.OFFLINESYNC = {"MAX_SUBMISSIONS": 5}
    assert app_settings.MAX_SUBMISSIONS == 5
    assert DEFAULTS["NETWORK_TIMEOUT"] == app_settings.NETWORK_TIMEOUT
    settings.OFFLINESYNC = {"MAX_SUBMISSIONS": 6}
    assert app_settings.MAX_SUBMISSIONS == 6


@pytest.mark.parametrize(
    ("own", "djangos", "expected"), [(None, 1000, 1000), (7, 1000, 7), (None, None, 2621440), (7, None, 7)]
)
def test_c8_a_request_always_has_a_limit(
    settings: object, own: int | None, djangos: int | None, expected: int
) -> None:
    settings.OFFLINESYNC = {"MAX_BYTES": own}
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = djangos
    assert expected == app_settings.MAX_BYTES


def test_throttles_are_imported(settings: object) -> None:
    settings.OFFLINESYNC = {"THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle", AnonRateThrottle]}
    assert [AnonRateThrottle, AnonRateThrottle] == app_settings.THROTTLE_CLASSES


def test_an_unknown_setting_is_a_mistake_of_ours() -> None:
    with pytest.raises(AttributeError, match="no setting 'NONSENSE'"):
        app_settings.NONSENSE  # noqa: B018


def test_what_is_no_dict_is_said_so(settings: object) -> None:
    settings.OFFLINESYNC = ["PAGES"]
    with pytest.raises(ImproperlyConfigured, match="must be a dict, not list"):
        app_settings.PAGES  # noqa: B018
