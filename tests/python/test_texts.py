import pytest
from django.test import override_settings
from django.urls import set_script_prefix
from django.utils import translation

from offlinesync.scripts import digest_of
from offlinesync.texts import texts_in, texts_url


@pytest.fixture
def own_texts(settings, tmp_path):
    def write(text):
        (tmp_path / "offlinesync").mkdir(exist_ok=True)
        (tmp_path / "offlinesync" / "texts.html").write_text(text)
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]

    return write


@pytest.fixture(autouse=True)
def rendered_each_time(settings):
    settings.DEBUG = True


def test_the_texts_are_all_there():
    texts = texts_in("en")
    for name in ("status", "saved-sync", "entries", "entry", "refused-invalid"):
        assert f'data-offlinesync-template="{name}"' in texts


def test_the_url_changes_with_the_texts(own_texts):
    before = texts_url()
    own_texts("Saved, and how")
    assert texts_url() != before
    assert "Saved, and how" in texts_in("en")
    assert digest_of(texts_in("en")) in texts_url()


def test_each_language_has_texts_of_its_own(own_texts):
    own_texts('{% load i18n %}{% translate "Yes" %}')
    with translation.override("de"):
        german = texts_url()
        assert texts_in("de").startswith("Ja")
    assert "/texts.de." in german
    assert german != texts_url()


def test_a_site_without_translations_has_texts():
    with translation.override(None), override_settings(LANGUAGE_CODE="pt-br"):
        assert "/texts.pt-br." in texts_url()


def test_each_mount_of_the_site_has_links_of_its_own(own_texts, settings):
    settings.DEBUG = False
    own_texts("{% url 'offlinesync:session' %}")
    with translation.override("it"):
        assert "/here/" not in texts_in("it")
        set_script_prefix("/here/")
        try:
            assert "/here/offlinesync/session/" in texts_in("it")
        finally:
            set_script_prefix("/")


def test_p9_pages_do_not_render_them_each_time(own_texts, settings):
    settings.DEBUG = False
    with translation.override("fr"):
        before = texts_url()
        own_texts("Other texts")
        assert texts_url() == before
