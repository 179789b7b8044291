"""Row C11: the language and time zone of the page."""

import zoneinfo

import pytest
from django.utils import timezone, translation
from django.utils.translation import trans_real

from offlinesync.pagecontext import UnknownPage, as_on_the_page, page_language, page_time_zone

from .sampleapp.factories import note


@pytest.mark.parametrize(
    ("languages", "code", "expected"),
    [
        (["en", "de"], "de", "de"),
        (["en", "de"], "DE", "de"),
        (["en", "de"], "de-at", "de"),
        (["en", "de-at"], "de-at", "de-at"),
        (["en"], "en-gb", "en-gb"),
        (["en-gb"], "en", "en"),
        (["en"], None, "pt-br"),
        (["en"], "pt-br", "pt-br"),
    ],
)
def test_which_language_is_activated(settings: object, languages: list[str], code: str | None, expected: str) -> None:
    settings.LANGUAGE_CODE = "pt-br"
    settings.LANGUAGES = [(language, language) for language in languages]
    assert page_language(code) == expected


@pytest.mark.parametrize("code", ["fr", "fr-ca", "", "-", "en_GB", "x" * 1000])
def test_unknown_languages(settings: object, code: str) -> None:
    settings.LANGUAGES = [("en", "English")]
    with pytest.raises(UnknownPage):
        page_language(code)


def test_the_sites_own_language_is_known_without_translations(settings: object) -> None:
    settings.USE_I18N = False
    settings.LANGUAGE_CODE = "en-us"
    assert page_language("en-us") == "en-us"


def test_c8_made_up_variants_of_a_language_take_no_memory(settings: object) -> None:
    """Django keeps every language it has ever activated."""
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    with as_on_the_page(note(language="de")):
        pass
    before = len(trans_real._translations)
    for n in range(20):
        with as_on_the_page(note(language=f"de-x{n}")):
            assert translation.get_language() == "de"
    assert len(trans_real._translations) == before


def test_which_time_zone_is_activated() -> None:
    assert page_time_zone(None) is None
    assert page_time_zone("Asia/Tokyo") == zoneinfo.ZoneInfo("Asia/Tokyo")


def look_and_fail() -> None:
    with as_on_the_page(note(language="de", time_zone="Asia/Tokyo")):
        assert translation.get_language() == "de"
        assert timezone.get_current_timezone_name() == "Asia/Tokyo"
        raise RuntimeError


@pytest.mark.parametrize("error", [IsADirectoryError, PermissionError, ValueError, zoneinfo.ZoneInfoNotFoundError])
def test_whatever_the_time_zone_data_says_to_a_wrong_name(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """It depends on where Python finds the data: "Europe" is a folder in the package tzdata."""

    def fail(name: str) -> None:
        raise error(name)

    monkeypatch.setattr(zoneinfo, "ZoneInfo", fail)
    with pytest.raises(UnknownPage):
        page_time_zone("Europe")


def test_everything_is_as_before_afterwards(settings: object) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    with translation.override("en"), timezone.override("UTC"):
        with pytest.raises(RuntimeError):
            look_and_fail()
        assert translation.get_language() == "en"
        assert timezone.get_current_timezone_name() == "UTC"


def test_a_page_that_says_nothing_is_read_as_the_site_is_set(settings: object) -> None:
    """Not as whoever delivers it: that may be the worker, under another language."""
    settings.LANGUAGE_CODE = "en"
    settings.TIME_ZONE = "Europe/Paris"
    with translation.override("de"), timezone.override("Asia/Tokyo"), as_on_the_page(note()):
        assert translation.get_language() == "en"
        assert timezone.get_current_timezone_name() == "Europe/Paris"
