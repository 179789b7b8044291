import re
from types import SimpleNamespace

import pytest
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.fallback import FallbackStorage
from django.core.exceptions import PermissionDenied, SynchronousOnlyOperation
from django.db import OperationalError
from django.http import Http404
from django.shortcuts import render as render_page
from django.template import Context, RequestContext, Template, TemplateSyntaxError
from django.test import RequestFactory
from django.urls import include, path
from django.utils import timezone, translation
from django.views.decorators.cache import cache_page
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request

from demo_site.posts.offline import PostHandler
from offlinesync import registry
from offlinesync.scripts import client_url, entry_url, style_url
from offlinesync.texts import texts_url


def render(source, *, user=None, path="/posts/new/", **context):
    request = RequestFactory().get(path)
    request.user = user or AnonymousUser()
    return Template("{% load offlinesync %}" + source).render(Context({"request": request, **context}))


@pytest.fixture
def members_only(monkeypatch):
    class MembersHandler(PostHandler):
        permission_classes = [IsAuthenticated]

    monkeypatch.setitem(registry._classes, "members", MembersHandler)


def test_head_says_whose_page_it_is(django_user_model):
    assert '<meta name="offlinesync-owner" content="">' in render("{% offlinesync %}")
    page = render("{% offlinesync %}", user=django_user_model(pk=42, username="anna & co"))
    assert '<meta name="offlinesync-owner" content="42">' in page
    assert '<meta name="offlinesync-account" content="anna &amp; co">' in page
    assert "offlinesync-account" not in render("{% offlinesync %}")


def test_head_names_the_client_and_its_texts_and_loads_only_the_entry():
    page = render("{% offlinesync %}")
    assert f'<link rel="offlinesync-client" href="{client_url()}">' in page
    assert f'<link rel="offlinesync-texts" href="{texts_url()}">' in page
    assert f'<script type="module" async fetchpriority="low" src="{entry_url()}"></script>' in page
    assert "<template" not in page


def test_head_names_the_style_sheet_for_the_entry_unless_the_site_has_its_own():
    style = f'<link rel="offlinesync-style" href="{style_url()}">'
    assert style in render("{% offlinesync %}")
    assert style in render("{% offlinesync script=False %}")
    assert "offlinesync-style" not in render("{% offlinesync style=False %}")
    assert 'rel="offlinesync-texts"' in render("{% offlinesync style=False %}")
    assert 'rel="stylesheet"' not in render("{% offlinesync %}"), "no page waits for it"


def test_p9_the_script_may_come_after_what_the_page_shows():
    head, body = render("{% offlinesync script=False %}</head>{% offlinesync_script %}").split("</head>")
    assert 'name="offlinesync-owner"' in head
    assert "<script" not in head
    assert body.strip() == f'<script type="module" async fetchpriority="low" src="{entry_url()}"></script>'


def test_d8_head_has_no_inline_script_or_style():
    page = render("{% offlinesync %}{% offline_status %}")
    assert re.findall(r"<script\b[^>]*>", page) == re.findall(r'<script\b[^>]* src="[^"]+">', page)
    assert page.count("<script") == page.count("></script>")
    assert "<style" not in page
    assert " style=" not in page


def test_p9_a_page_rendered_without_a_request_does_without_us():
    source = "{% load offlinesync %}{% offlinesync %}{% offlinesync_script %}<form {% offline_form 'post' %}>"
    assert Template(source).render(Context()).strip() == "<form >"


def test_a_missing_context_processor_is_named_to_the_developer(settings):
    settings.DEBUG = True
    with pytest.raises(TemplateSyntaxError, match="django.template.context_processors.request"):
        Template("{% load offlinesync %}{% offlinesync %}").render(Context())


def test_a_form_names_the_buttons_that_post_it_plainly():
    assert 'data-offlinesync-skip="preview draft"' in render("{% offline_form 'post' skip='preview draft' %}")
    assert "skip" not in render("{% offline_form 'post' %}")


def test_a_form_has_drafts_where_it_asks_for_them() -> None:
    assert 'data-offlinesync-drafts=""' in render("{% offline_form 'post' drafts=True %}")
    assert "drafts" not in render("{% offline_form 'post' %}")
    assert "drafts" not in render("{% offline_form 'post' drafts=False %}")


def test_a_form_names_the_fields_that_may_hold_an_entry_s_id():
    assert 'data-offlinesync-refs="parent list"' in render("{% offline_form 'post' refs='parent list' %}")


def test_a_form_can_be_left_plain():
    assert render("<form {% offline_form 'post' offline=False %}>") == "<form >"


def test_form_carries_what_rules_its_validation():
    """Row C11: the language and time zone of the page travel with the entry."""
    with translation.override("de"), timezone.override("Europe/Berlin"):
        form = render("<form {% offline_form 'post' %}>")
    assert form == (
        '<form data-offlinesync-form="post" data-offlinesync-label="Beitrag" data-offlinesync-language="de" '
        'data-offlinesync-time-zone="Europe/Berlin" data-offlinesync-target="/posts/new/">'
    )


def test_form_names_its_target_and_group():
    form = render("<form {% offline_form 'post' target=pk group='a' %}>", pk="7")
    assert 'data-offlinesync-target="7"' in form
    assert 'data-offlinesync-group="a"' in form


def test_d8_values_are_escaped():
    assert '"&quot;&gt;&lt;script&gt;"' in render(
        "<form {% offline_form 'post' target=target %}>", target='"><script>'
    )


def test_a_form_that_needs_sign_in_is_captured_on_a_page_with_an_owner_only(members_only, django_user_model):
    assert render("<form {% offline_form 'members' %}>") == "<form >"
    assert 'data-offlinesync-form="members"' in render(
        "<form {% offline_form 'members' %}>", user=django_user_model(pk=1)
    )


def test_an_unknown_name_says_what_is_registered_and_what_to_write():
    with pytest.raises(TemplateSyntaxError, match=r"registered: .*'post'.*@offlinesync\.register\('pots'\)"):
        render("<form {% offline_form 'pots' %}>")


def test_a_form_says_what_visitors_call_it():
    assert 'data-offlinesync-label="Post"' in render("{% offline_form 'post' %}")
    assert 'data-offlinesync-label="Note &amp; photo"' in render(
        "{% offline_form 'post' label=label %}", label="Note & photo"
    )


def test_the_place_of_what_is_pending_holds_what_each_is_shown_with():
    place = render("<ul>{% offline_pending 'post' %}</ul>")
    assert '<ul><template data-offlinesync-pending="post" data-offlinesync-order="newest-first"><div' in place
    assert "data-offlinesync-target" not in place
    other = render("{% offline_pending 'post' 7 template='posts/pending_post.html' oldest_first=True %}")
    assert 'data-offlinesync-order="oldest-first" data-offlinesync-target="7"><article class="card post' in other


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{% offline_pending 'pots' %}", r"offline_pending 'pots' .*registered: .*'post'"),
        ("{% offline_pending 'post' template='posts/none.html' %}", "there is no such template. Write it"),
    ],
)
def test_a_place_for_what_does_not_exist_says_what_to_write(source, said):
    with pytest.raises(TemplateSyntaxError, match=said):
        render(source)


def test_p8_a_page_with_a_message_for_one_person_is_not_kept():
    request = RequestFactory().get("/")
    request.session = {}
    request._messages = FallbackStorage(request)
    page = Template("{% load offlinesync %}{% offlinesync %}")
    assert "offlinesync-keep" not in page.render(Context({"request": request}))
    messages.success(request, "Goodbye, Anna")
    assert '<meta name="offlinesync-keep" content="no">' in page.render(Context({"request": request}))


def test_c11_a_time_zone_without_a_name_leaves_a_plain_form():
    with timezone.override(timezone.get_fixed_timezone(120)):
        assert render("<form {% offline_form 'post' %}>") == "<form >"


@pytest.mark.django_db
def test_p4_a_page_for_somebody_does_not_go_into_the_cache_that_all_share(client, django_user_model, settings):
    settings.ROOT_URLCONF = __name__
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "shared"}}
    owners = []
    for name in ("anna", "bert"):
        client.force_login(django_user_model.objects.create_user(name))
        owners.append(client.get("/cached/").content.decode())
    client.logout()
    owners.append(client.get("/cached/").content.decode())
    anna, bert = django_user_model.objects.order_by("pk")
    assert [f'content="{owner}"' in page for owner, page in zip([anna.pk, bert.pk, ""], owners, strict=True)] == [
        True
    ] * 3


@pytest.mark.parametrize(
    "error", [SynchronousOnlyOperation("in an async view"), OperationalError("the database is away")]
)
def test_p9_a_page_opens_though_nobody_can_say_whose_it_is(error, caplog):
    class Unknown:
        @property
        def is_authenticated(self):
            raise error

    assert render("{% offlinesync %}<form {% offline_form 'post' %}>", user=Unknown()).strip() == "<form >"
    assert "cannot tell whose page /posts/new/ is" in caplog.text


@pytest.mark.parametrize("error", [PermissionDenied, NotAuthenticated, Http404])
def test_p9_a_permission_that_raises_leaves_a_plain_form(error, monkeypatch):
    class Raising(AllowAny):
        def has_permission(self, request, view):
            raise error

    class RaisingHandler(PostHandler):
        permission_classes = [Raising]

    monkeypatch.setitem(registry._classes, "raising", RaisingHandler)
    assert render("<form {% offline_form 'raising' %}>") == "<form >"


def test_a_permission_may_look_at_the_target(monkeypatch):
    class OnlyThisPage(AllowAny):
        def has_permission(self, request, view):
            return request.target.startswith("/posts/")

    class TargetHandler(PostHandler):
        permission_classes = [OnlyThisPage]

    monkeypatch.setitem(registry._classes, "targeted", TargetHandler)
    assert "data-offlinesync-form" in render("<form {% offline_form 'targeted' %}>")
    assert render("<form {% offline_form 'targeted' %}>", path="/elsewhere/") == "<form >"


def test_a_page_of_rest_framework_s_renderer_is_a_page_as_well(django_user_model):
    request = RequestFactory().get("/")
    request.user = django_user_model(pk=42)
    page = Template("{% load offlinesync %}{% offlinesync %}").render(
        RequestContext(Request(request, authenticators=[SessionAuthentication()]))
    )
    assert 'name="offlinesync-owner" content="42"' in page


def test_p4_a_variable_called_request_is_not_taken_for_one(django_user_model):
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    decoy = SimpleNamespace(user=django_user_model(pk=2))
    page = Template("{% load offlinesync %}{% offlinesync %}").render(RequestContext(request, {"request": decoy}))
    assert 'name="offlinesync-owner" content=""' in page


def test_p7_where_the_app_is_switched_off_forms_are_plain_and_pages_deliver_what_waits(settings, django_user_model):
    settings.OFFLINESYNC = {"ENABLED": False}
    assert render("<form {% offline_form 'post' %}>") == "<form >"
    page = render("{% offlinesync %}", user=django_user_model(pk=42))
    assert '<meta name="offlinesync-owner" content="42">' in page
    assert f'<link rel="offlinesync-client" href="{client_url()}">' in page
    assert f'<link rel="offlinesync-texts" href="{texts_url()}">' in page
    assert f'<link rel="offlinesync-style" href="{style_url()}">' in page
    with pytest.raises(TemplateSyntaxError):
        render("<form {% offline_form 'pots' %}>")


def cached(request):
    return render_page(request, "offlinesync/offline.html")


urlpatterns = [path("cached/", cache_page(60)(cached)), path("", include("demo_site.urls"))]
