"""A view as it is: it answers offline as it does online."""

import logging
import sys
from inspect import iscoroutinefunction
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.urls import resolve, set_script_prefix

import offlinesync
from offlinesync import registry
from offlinesync.ingestion import ingest
from offlinesync.models import Submission
from offlinesync.submissions import IncomingSubmission, Receipt

from .sampleapp import views
from .sampleapp.factories import again, file, note, send, uuid7
from .sampleapp.models import Note

NEW = "/notes/new/"
# Who is signed in at a proxy before the site: not who has filled in the form.
IDENTITY = {"x-forwarded-user": "boss", "x-auth-request-email": "boss@example.org", "x-api-key": "k"}


@pytest.fixture(autouse=True)
def _site(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.python.sampleapp.view_urls"
    settings.LOGIN_URL = "/accounts/login/"
    settings.OFFLINESYNC = {}
    # Without the demo's own, which know its URLs.
    settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if path.startswith("django.")]
    views.seen.clear()


def answering(answer: str, **options: Any) -> IncomingSubmission:
    return note(form="answering", target=f"/notes/answer/{quote(answer)}/", **options)


def codes_of(receipt: Receipt) -> dict[str, list[str]]:
    return {name: [error["code"] for error in errors] for name, errors in receipt.errors.items()}


def texts_of(receipt: Receipt) -> list[str]:
    return [error["message"] for errors in receipt.errors.values() for error in errors]


@pytest.mark.django_db
def test_a_redirect_is_accepted_with_its_url_and_the_view_s_messages() -> None:
    receipt = send(note("First", form="viewed note", target=NEW))
    assert receipt.status == "accepted"
    assert receipt.result == {
        "url": "/notes/First/",
        "messages": [{"level": "success", "text": "First is saved."}, {"level": "info", "text": "Fine & done"}],
    }
    assert Note.objects.get().title == "First"


@pytest.mark.django_db
def test_p3_a_view_s_receipt_comes_again_and_the_view_does_not_run_again() -> None:
    submission = note("First", form="viewed note", target=NEW)
    first, second = send(submission), send(again(submission))
    assert (first.result, first.replayed) == (second.result, False)
    assert second.replayed
    assert len(views.seen) == Note.objects.count() == 1


@pytest.mark.django_db
def test_a_page_shown_again_is_refused_with_the_errors_of_its_form() -> None:
    receipt = send(note("", form="viewed note", target=NEW, slug="a b"))
    assert (receipt.status, receipt.code) == ("rejected", "invalid")
    assert codes_of(receipt) == {"title": ["required"], "slug": ["invalid"]}


@pytest.mark.django_db
def test_a_page_rendered_by_a_function_is_refused_with_the_errors_of_its_form() -> None:
    """Its context is in no response; the template tags on the page have seen it."""
    receipt = send(note(form="functional note", target="/notes/plain/new/", **{"n-title": "", "n-slug": "a b"}))
    assert codes_of(receipt) == {"n-title": ["required"], "n-slug": ["invalid"]}


@pytest.mark.django_db
def test_the_errors_of_a_formset_are_those_of_its_forms() -> None:
    rows = {"form-TOTAL_FORMS": "2", "form-INITIAL_FORMS": "0", "form-0-title": "One", "form-1-title": "x" * 41}
    receipt = send(note(form="several notes", target="/notes/several/", **rows))
    assert codes_of(receipt) == {"form-1-title": ["max_length"]}
    rows["form-1-title"] = "Two"
    assert send(note(form="several notes", target="/notes/several/", **rows)).status == "accepted"
    assert set(Note.objects.values_list("title", flat=True)) == {"One", "Two"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "code", "texts"),
    [
        ("page", "invalid", ["Nothing doing Come back."]),
        ("text", "invalid", ["Not now"]),
        ("empty", "invalid", ["The site did not take this form, and did not say why."]),
        ("said", "invalid", ["Closed."]),
        ("400", "invalid", ["Nothing doing Come back."]),
        ("suspicious", "invalid", ["The site did not take this form, and did not say why."]),
        ("307", "invalid", ["The site did not take this form, and did not say why."]),
        ("404", "invalid", ["What this form belongs to does not exist any more."]),
        ("missing", "invalid", ["What this form belongs to does not exist any more."]),
        ("bad request", "invalid", ["The site did not take this form, and did not say why."]),
        ("sign in, encoded", "forbidden", None),
        ("403", "forbidden", None),
        ("denied", "forbidden", None),
        ("401", "forbidden", None),
        ("sign in", "forbidden", None),
        ("sign in elsewhere", "forbidden", None),
    ],
)
def test_p5_what_a_view_refuses_leaves_nothing_behind(answer: str, code: str, texts: list[str] | None) -> None:
    receipt = send(answering(answer))
    assert (receipt.status, receipt.code) == ("rejected", code)
    assert texts is None or texts_of(receipt) == texts
    assert len(views.seen) == 1, "it has run, and its hook has not"
    assert not Note.objects.exists()
    assert not Submission.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("answer", ["503", "429", "raises"])
def test_c7_what_a_view_cannot_answer_now_waits_and_is_logged(answer: str, caplog: Any) -> None:
    submission = answering(answer)
    with caplog.at_level(logging.ERROR, "offlinesync"):
        receipt = send(submission)
    assert (receipt.status, receipt.code) == ("deferred", "handler_error")
    assert not Note.objects.exists()
    (record,) = caplog.records
    assert str(submission.id) in record.getMessage()
    assert record.exc_info is not None


@pytest.mark.django_db
@pytest.mark.parametrize("answer", ["204", "json"])
def test_done_without_a_page_is_accepted(answer: str) -> None:
    receipt = send(answering(answer))
    assert (receipt.status, receipt.result) == ("accepted", {})
    assert Note.objects.count() == 1


@pytest.mark.django_db
def test_a_view_gets_what_a_browser_would_have_posted(rf: RequestFactory, django_user_model: type[User]) -> None:
    user = django_user_model.objects.create(username="anna")
    target = "/notes/caf%C3%A9/new/?ref=a%20b"
    submission = IncomingSubmission(
        id=uuid7(),
        form="functional note",
        fields=[("n-title", "A"), ("n-title", "B"), ("n-body", "x\r\ny"), ("save", "1")],
        files=[file(b"bytes", field="n-attachment", name="a.txt", type="text/x-odd")],
        target=target,
    )
    assert send(submission, user).result == {"url": "/notes/caf%C3%A9/done/?kind=caf%C3%A9"}
    (request,) = views.seen
    posted = rf.post(target, {"n-title": ["A", "B"], "n-body": "x\r\ny", "save": "1"})
    assert (request.POST, request.GET) == (posted.POST, posted.GET)
    assert (request.path, request.get_full_path()) == ("/notes/café/new/", target)
    assert (request.method, request.user, request.resolver_match.kwargs) == ("POST", user, {"kind": "café"})
    (upload,) = request.FILES.getlist("n-attachment")
    assert (upload.name, upload.content_type, upload.size) == ("a.txt", "text/x-odd", 5)
    assert Note.objects.get().attachment.read() == b"bytes"


@pytest.mark.django_db
def test_a_view_may_read_the_body_of_a_form_without_files(rf: RequestFactory) -> None:
    fields = {"n-title": ["A", "ü&"], "save": ["1"]}
    submission = IncomingSubmission(
        id=uuid7(),
        form="functional note",
        fields=[(name, value) for name, values in fields.items() for value in values],
        target="/notes/plain/new/",
    )
    assert send(submission).status == "accepted"
    (request,) = views.seen
    form = "application/x-www-form-urlencoded"
    posted = rf.post("/notes/plain/new/", urlencode(fields, doseq=True), content_type=form)
    assert (request.body, request.content_type) == (posted.body, form)
    assert request.META["CONTENT_LENGTH"] == str(posted.META["CONTENT_LENGTH"])


@pytest.mark.django_db
def test_a_view_runs_where_the_site_is_mounted() -> None:
    set_script_prefix("/mounted/")
    try:
        receipt = send(note("First", form="viewed note", target="/mounted/notes/new/?a=1"))
    finally:
        set_script_prefix("/")
    assert receipt.status == "accepted"
    (request,) = views.seen
    assert (request.path, request.path_info, request.META["SCRIPT_NAME"]) == ("/mounted" + NEW, NEW, "/mounted")


@pytest.mark.django_db
def test_a_coroutine_is_a_view_as_well(django_user_model: type[User]) -> None:
    user = django_user_model.objects.create(username="anna")
    assert send(note(form="async note", target="/notes/async/"), user).status == "accepted"
    assert Note.objects.get().title == "of anna"


@pytest.mark.django_db
def test_a_class_of_coroutines_is_a_view_as_well() -> None:
    assert send(note("A", form="async class", target="/notes/async-class/")).status == "accepted"
    assert Note.objects.get().title == "A"


@pytest.mark.django_db
def test_a_search_on_the_page_is_no_reason() -> None:
    receipt = send(note(form="closed", target="/notes/closed/"))
    assert (codes_of(receipt), texts_of(receipt)) == ({"__all__": [""]}, ["Closed until May."])


@pytest.mark.django_db
def test_views_of_rest_framework_take_fields_and_data() -> None:
    assert send(note("Fields", form="api note", target="/notes/api/")).status == "accepted"
    data = IncomingSubmission(id=uuid7(), form="api note", data={"title": "Data"}, target="/notes/api/")
    assert send(data).status == "accepted"
    assert codes_of(send(note("", form="api note", target="/notes/api/"))) == {"title": ["blank"]}
    assert set(Note.objects.values_list("title", flat=True)) == {"Fields", "Data"}


@pytest.mark.django_db
@pytest.mark.parametrize("target", ["/notes/members/", "/notes/members-only/"])
def test_d1_a_view_for_members_does_not_run_for_anybody_else(target: str, django_user_model: type[User]) -> None:
    form = "members' note" if target == "/notes/members/" else "members only"
    assert send(note(form=form, target=target)).code == "forbidden"
    user = django_user_model.objects.create(username="anna")
    assert send(note(form=form, target=target), user).status == "accepted"


@pytest.mark.django_db
def test_a_site_that_signs_everybody_in_does_so_here(settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert send(note(form="viewed note", target=NEW)).code == "forbidden"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "target",
    [
        "/notes/unmarked/204/",
        "/notes/answer/204/",
        "/nowhere/",
        "",
        None,
        "//host/notes/new/",
        "http://[",
        "/%ff",
        "?",
    ],
)
def test_a_target_is_a_claim_and_only_the_view_s_own_address_will_do(target: str | None) -> None:
    receipt = send(note("First", form="viewed note", target=target))
    assert (receipt.status, receipt.code) == ("rejected", "invalid")
    assert not views.seen


@pytest.mark.django_db
def test_c8_a_target_as_a_weapon_is_refused(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 5
    receipt = send(note("First", form="viewed note", target=NEW + "?" + "a=1&" * 9))
    assert (receipt.status, receipt.code) == ("rejected", "invalid")


@pytest.mark.django_db
def test_an_installed_app_s_view_answers_by_the_name_of_its_url(settings: Any) -> None:
    assert send(note(form="foreign", target="/installed/204/")).code == "unknown_form"
    settings.OFFLINESYNC = {"VIEWS": {"foreign": "installed"}}
    assert send(note(form="foreign", target="/installed/204/")).status == "accepted"
    assert send(note(form="foreign", target="/notes/unmarked/204/")).code == "invalid"


@pytest.mark.django_db
def test_a_view_runs_alone(django_assert_num_queries: Any) -> None:
    """Nobody promised that it can run twice, as it would when another one of its transaction fails."""
    views_ = [note("First", form="viewed note", target=NEW), note("Second", form="viewed note", target=NEW)]
    bad = note("Third", behaviour="save: fail")
    receipts = ingest([*views_, bad], user=AnonymousUser())
    assert [receipt.status for receipt in receipts] == ["accepted", "accepted", "deferred"]
    assert len(views.seen) == 2


@pytest.mark.django_db
def test_p4_a_delivery_tells_the_view_where_it_came_from(client: Client) -> None:
    submission = {"id": str(uuid7()), "form": "answering", "target": "/notes/answer/204/"}
    response = client.post(
        "/offlinesync/submissions/",
        {"protocol": 1, "owner": None, "submissions": [submission]},
        content_type="application/json",
        headers={
            "user-agent": "a browser",
            "cookie": "sessionid=1",
            "referer": "/",
            "x-real-ip": "::2",
            **IDENTITY,
        },
        REMOTE_ADDR="192.0.2.7",
        secure=True,
        SERVER_NAME="www.localhost",
    )
    assert response.json()["receipts"][0]["status"] == "accepted", response.content
    request = views.seen[0]
    assert request.build_absolute_uri("/") == "https://www.localhost/"
    assert (request.META["REMOTE_ADDR"], request.headers["User-Agent"]) == ("192.0.2.7", "a browser")
    assert request.headers["X-Real-IP"] == "::2"
    assert request.COOKIES == {}
    assert not {"cookie", "referer", "x-csrftoken", *IDENTITY} & {name.lower() for name in request.headers}
    assert dict(request.session) == {}


@pytest.mark.django_db
def test_online_a_view_is_what_it_was(client: Client) -> None:
    assert resolve(NEW).func.view_class is views.NoteCreate
    page = client.get(NEW).content.decode()
    assert 'data-offlinesync-form="viewed note"' in page
    assert f'data-offlinesync-target="{NEW}"' in page
    assert client.post(NEW, {"title": "Online"}).headers["Location"] == "/notes/Online/"
    assert Note.objects.get().title == "Online"


@pytest.mark.django_db
def test_online_a_coroutine_is_what_it_was(client: Client) -> None:
    assert iscoroutinefunction(resolve("/notes/async/").func)
    assert client.post("/notes/async/").headers["Location"] == "/notes/"


def render_form(name: str, path: str, user: Any = None, *, target: str = "") -> str:
    request = RequestFactory().get(path)
    request.user = user or AnonymousUser()
    request.resolver_match = resolve(request.path_info)
    source = f"{{% load offlinesync %}}<form {{% offline_form name {target} %}}>"
    return Template(source).render(Context({"request": request, "name": name}))


def test_a_form_says_where_it_is_posted_to(settings: Any) -> None:
    assert 'target="/notes/plain/new/?a=1&amp;b=%C3%A9"' in render_form(
        "functional note", "/notes/plain/new/?a=1&b=%C3%A9"
    )
    settings.OFFLINESYNC = {"VIEWS": {"foreign": "installed-form", "argued": "installed"}}
    assert 'target="/installed/"' in render_form("foreign", NEW)
    assert 'target="/installed/x/"' in render_form("argued", "/installed/x/")
    assert 'target="/installed/y/"' in render_form("argued", NEW, target="target='/installed/y/'")
    for name in ("argued", "functional note"):
        with pytest.raises(ImproperlyConfigured, match="target=action"):
            render_form(name, NEW)


def test_a_form_says_so_where_no_handler_has_resolved_the_request() -> None:
    request = RequestFactory().get(NEW)
    request.user = AnonymousUser()
    source = '{% load offlinesync %}<form {% offline_form "viewed note" %}>'
    assert f'target="{NEW}"' in Template(source).render(Context({"request": request}))


def test_a_form_for_members_is_a_plain_form_for_others() -> None:
    for name, path in (("members' note", "/notes/members/"), ("members only", "/notes/members-only/")):
        assert render_form(name, path) == "<form >"
        assert 'data-offlinesync-form="' in render_form(name, path, User(pk=1))


def test_a_name_may_stand_at_several_addresses_but_for_one_kind_of_handler() -> None:
    resolve(NEW)
    offlinesync.offline_view(views.note_create, name="viewed note")
    with pytest.raises(ImproperlyConfigured, match="'note'"):
        offlinesync.offline_view(views.note_create, name="note")
    assert not hasattr(views.note_create, "offlinesync_name")


def test_the_site_s_urls_are_read_when_a_name_is_not_known_yet(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a command, before any request."""
    monkeypatch.setattr(registry, "_classes", {})
    monkeypatch.delitem(sys.modules, settings.ROOT_URLCONF, raising=False)
    assert registry.handler_class("not known") is None
    assert registry.is_registered("answering")
