"""A site's throttles count submissions."""

import pytest
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle

from tests.python.wire import Device, batch, refusal, submission


class CountingThrottle(SimpleRateThrottle):
    """Three submissions a minute for each address."""

    rate = "3/min"

    def get_cache_key(self, request, view):
        return "submissions"


@pytest.fixture
def throttled(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "throttle"}}
    settings.OFFLINESYNC = {"THROTTLE_CLASSES": [f"{__name__}.CountingThrottle"]}
    CountingThrottle.cache.clear()
    yield
    CountingThrottle.cache.clear()


@pytest.mark.usefixtures("throttled")
def test_throttles_count_submissions_and_not_requests(recorder):
    assert Device().send(batch(submission(1), submission(2))).status_code == 200
    recorder.submissions = []
    response = Device().send(batch(submission(3), submission(4)))
    assert refusal(response) == (429, "throttled")
    assert 1 <= int(response["Retry-After"]) <= 60
    assert recorder.submissions == []


@pytest.mark.usefixtures("throttled")
def test_what_is_refused_for_its_shape_does_not_count():
    for _ in range(5):
        assert refusal(Device().send(batch(submission(id="x")))) == (400, "malformed")


class SilentThrottle(BaseThrottle):
    def allow_request(self, request, view):
        return False


def test_b12_a_throttle_that_names_no_time_has_one_all_the_same(settings, recorder):
    settings.OFFLINESYNC = {"THROTTLE_CLASSES": [f"{__name__}.SilentThrottle"]}
    response = Device().send(batch())
    assert refusal(response) == (429, "throttled")
    assert response["Retry-After"] == "10"


def test_there_is_no_throttle_by_default(recorder):
    device = Device()
    assert [device.send(batch(submission(number))).status_code for number in range(50)] == [200] * 50
