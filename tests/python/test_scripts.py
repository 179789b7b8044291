import json
import re

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.urls import NoReverseMatch, path, set_script_prefix

from offlinesync import scripts

urlpatterns = [path("nothing/", lambda request: None, name="nothing")]

IMPORT = re.compile(r'^import .* from ("[^"]+");$', re.MULTILINE)


def config_of(script):
    return json.loads(re.search(r"^const config = (.*);$", script, re.MULTILINE)[1])


def test_d8_a_literal_can_neither_end_a_script_nor_a_string():
    hostile = "</script><!--\"';\u2028\u2029&amp;"
    literal = scripts.js_literal(hostile)
    assert not set("<>&\u2028\u2029") & set(literal)
    assert json.loads(literal) == hostile


@override_settings(OFFLINESYNC={"PAGES": ["/</script><script>alert('1')\"/"]})
def test_d8_settings_are_escaped_in_the_worker():
    script = scripts.worker_script()
    assert "</script>" not in script
    assert config_of(script)["pages"] == ["/</script><script>alert('1')\"/"]


@pytest.mark.parametrize(
    ("script", "modules"),
    [(scripts.client_script, scripts.CLIENT_MODULES), (scripts.worker_script, scripts.WORKER_MODULES)],
)
def test_scripts_import_just_the_modules_they_are_given(script, modules):
    imported = [json.loads(url) for url in IMPORT.findall(script())]
    assert sorted(imported) == sorted(f"/static/offlinesync/{name}.js" for name in modules)


def test_the_worker_keeps_every_module_that_page_and_worker_import():
    kept = config_of(scripts.worker_script())["modules"]
    imported = IMPORT.findall(scripts.client_script()) + IMPORT.findall(scripts.worker_script())
    assert set(kept) == {json.loads(url) for url in imported} | {scripts.entry_url()}


def test_the_client_url_changes_with_the_script():
    before = scripts.client_url()
    with override_settings(STATIC_URL="https://cdn.example/static/"):
        after = scripts.client_url()
    assert before != after
    assert scripts.digest_of(scripts.client_script()) in before


@override_settings(STATIC_URL="https://cdn.example/static/")
def test_static_files_may_lie_on_another_host():
    assert scripts.static_origin() == "https://cdn.example"
    assert config_of(scripts.worker_script())["staticUrl"] == "https://cdn.example/static/"


OWN_TEMPLATES = {
    "client.js": "{% block network %}const network = ours;{% endblock %}",
    "serviceworker.js": "{% block network %}const network = ours;{% endblock %}{% block extra %}ours();{% endblock %}",
}


@pytest.fixture
def templates(tmp_path):
    """Templates of the site's own, which extend those of the same name."""
    folder = tmp_path / "offlinesync"
    folder.mkdir()
    for name, blocks in OWN_TEMPLATES.items():
        (folder / name).write_text(f'{{% extends "offlinesync/{name}" %}}{blocks}')
    engine = {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [tmp_path], "APP_DIRS": True}
    with override_settings(TEMPLATES=[engine], DEBUG=True):
        yield


@pytest.mark.parametrize("script", [scripts.client_script, scripts.worker_script])
def test_all_that_is_fetched_goes_through_the_network_of_the_site(templates, script):
    rendered = script()
    assert rendered.count("const network =") == 1
    assert "const network = ours;" in rendered
    assert not re.search(r"(?<!\w)fetch\(", rendered)
    assert rendered.count("fetch: network") >= 1


def test_what_a_site_adds_to_the_worker_comes_after_the_apps_own(templates):
    assert scripts.worker_script().endswith("\nours();\n")


def test_the_worker_is_told_how_much_it_keeps_and_for_how_long():
    limits = {"pages": {"MAX_ENTRIES": 3}, "static": {"MAX_AGE": 60}}
    with override_settings(OFFLINESYNC={"CACHES": limits, "REFRESH_AFTER": 5, "NETWORK_TIMEOUT": 2}):
        config = config_of(scripts.worker_script())
    month = 30 * 24 * 60 * 60 * 1000
    assert config["limits"] == {
        "pages": {"maxEntries": 3, "maxAge": month},
        "static": {"maxEntries": 500, "maxAge": 60000},
    }
    assert (config["refreshAfter"], config["networkTimeout"]) == (5000, 2000)


def test_b13_where_files_keep_their_names_the_browser_looks_for_the_modules_of_the_worker_anew():
    assert config_of(scripts.client_script())["staticIsHashed"] is False


def test_pages_are_url_names_or_paths():
    with override_settings(OFFLINESYNC={"PAGES": ["posts:create", "/about/"]}):
        assert scripts.page_paths() == ["/posts/new/", "/about/"]


@override_settings(OFFLINESYNC={"PAGES": ["posts:unknown"]})
def test_a_page_without_a_url_is_named_in_the_error():
    with pytest.raises(NoReverseMatch, match=r'OFFLINESYNC\["PAGES"\] names \'posts:unknown\''):
        scripts.page_paths()


@override_settings(ROOT_URLCONF=__name__)
def test_forgotten_urls_are_told_what_to_write():
    with pytest.raises(ImproperlyConfigured, match=r'path\("offlinesync/", include\("offlinesync.urls"\)\)'):
        scripts.mount_path()


def test_d10_names_carry_the_path_of_the_site():
    set_script_prefix("/shop/")
    try:
        assert scripts.mount_path() == "/shop/offlinesync/"
        assert config_of(scripts.client_script())["scope"] == "/shop/"
    finally:
        set_script_prefix("/")


def test_d10_the_client_is_told_which_workers_it_may_replace():
    assert config_of(scripts.client_script())["replaces"] == []
    with override_settings(OFFLINESYNC={"REPLACES_WORKERS": ("/sw.js", "</script>")}):
        assert config_of(scripts.client_script())["replaces"] == ["/sw.js", "</script>"]
        assert "</script>" not in scripts.client_script()


def test_the_client_is_told_whether_the_app_is_switched_on():
    before = scripts.client_url()
    assert config_of(scripts.client_script())["enabled"] is True
    with override_settings(OFFLINESYNC={"ENABLED": False}):
        assert config_of(scripts.client_script())["enabled"] is False
        assert scripts.client_url() != before
        assert IMPORT.findall(scripts.worker_script()) == []
        assert config_of(scripts.worker_script()) == {"mount": "/offlinesync/"}
    assert scripts.client_url() == before
