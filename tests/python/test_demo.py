"""The demo: ordinary Django pages, its accounts, its API, its policy."""

import io
import re
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from PIL import Image

from demo_site.posts.models import Post

ROOT = Path(__file__).resolve().parent.parent.parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; worker-src 'self'; "
    "require-trusted-types-for 'script'; trusted-types offlinesync"
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def post():
    return Post.objects.create(title="Between two tunnels", location="Coach 9", body="Rock again.")


@pytest.fixture
def seeded():
    call_command("seed_demo", verbosity=0)


def photo(name="seat.png"):
    file = io.BytesIO()
    Image.new("RGB", (4, 3), "teal").save(file, "PNG")
    return SimpleUploadedFile(name, file.getvalue(), "image/png")


def written(**changes):
    return {"title": "From the train", "location": "Coach 9", "body": "Larches.\r\nRock.", **changes}


# Pages


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/", "Posts"),
        ("/posts/new/", "Write a post"),
        ("/posts/{pk}/", "A post"),
        ("/tasks/", "Tasks"),
        ("/shop/", "Shop"),
        ("/survey/", "Survey"),
        ("/survey/new/", "Add an observation"),
        ("/accounts/login/", "Sign in"),
        ("/accounts/logout/", "Sign out"),
        ("/offlinesync/offline/", "Offline"),
        ("/nowhere/", "Not found"),
    ],
)
def test_each_page_has_its_title_and_d8_the_strict_policy(client, post, path, title):
    response = client.get(path.format(pk=post.pk))
    page = response.content.decode()
    assert f"<title>{title}</title>" in page
    assert response["Content-Security-Policy"] == POLICY
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)


def test_d8_admin_keeps_all_of_the_policy_but_trusted_types(client):
    policy = client.get("/admin/login/")["Content-Security-Policy"]
    assert policy == POLICY.removesuffix("; require-trusted-types-for 'script'; trusted-types offlinesync")


def test_d8_the_policy_names_a_report_target_only_when_one_is_set(client, settings):
    settings.CSP_REPORT_URI = "/csp-reports/"
    assert client.get("/")["Content-Security-Policy"] == f"{POLICY}; report-uri /csp-reports/"


def test_list_shows_a_post_once_and_the_newest_first(client, post):
    Post.objects.create(title="Newer", location="Hut", body="Stove is lit.")
    page = client.get("/").content.decode()
    assert page.count("Between two tunnels") == 1
    assert page.index("Newer") < page.index("Between two tunnels")


def test_form_names_its_handler_and_its_first_button_posts(client):
    page = client.get("/posts/new/").content.decode()
    form = re.search(r"<form.*?</form>", page, re.DOTALL)[0]
    assert 'data-offlinesync-form="post"' in form
    assert re.search(r"<button[^>]*>", form)[0] == '<button type="submit">'


@pytest.mark.parametrize("signed_in", [False, True])
def test_p7_a_plain_post_creates_and_goes_to_the_list(client, seeded, signed_in):
    if signed_in:
        client.login(username="demo1", password="offline-demo")
    response = client.post("/posts/new/", written())
    assert (response.status_code, response["Location"]) == (302, "/")
    post = Post.objects.get(title="From the train")
    assert (post.location, post.body, post.photo.name) == ("Coach 9", "Larches.\r\nRock.", "")


def test_p7_a_plain_post_brings_its_photo(client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    }
    sent = photo()
    client.post("/posts/new/", written(photo=sent))
    post = Post.objects.get()
    assert f'src="{post.photo.url}"' in client.get("/").content.decode()
    served = client.get(post.photo.url)
    sent.seek(0)
    assert b"".join(served.streaming_content) == sent.read()
    assert served["Content-Security-Policy"] == POLICY
    assert served["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in served["Cache-Control"]


def test_p7_a_bad_photo_is_refused_in_the_form(client):
    broken = SimpleUploadedFile("seat.png", b"no picture", "image/png")
    response = client.post("/posts/new/", written(photo=broken))
    assert response.status_code == 200
    assert list(response.context["form"].errors) == ["photo"]
    page = response.content.decode()
    assert '<ul class="errorlist" id="id_photo_error">' in page
    assert 'value="From the train"' in page
    assert not Post.objects.exists()


def test_a_post_without_words_is_refused(client):
    response = client.post("/posts/new/", written(title="", body=" "))
    assert sorted(response.context["form"].errors) == ["body", "title"]


def test_handler_goes_where_the_plain_view_goes(client):
    from offlinesync import registry

    plain = client.post("/posts/new/", written())
    handler = registry.get("post")
    assert handler.get_success_url(Post.objects.get(), None) == plain["Location"]


def test_manifest_names_the_hashed_icons(client, settings):
    manifest = client.get("/manifest.json").json()
    assert (manifest["name"], manifest["start_url"], manifest["scope"]) == ("Far Afield", "/", "/")
    sizes = [(icon["sizes"], icon.get("purpose")) for icon in manifest["icons"]]
    assert sizes == [("512x512", "maskable"), ("512x512", None), ("192x192", None)]
    for icon in manifest["icons"]:
        with Image.open(ROOT / "demo_site" / icon["src"].lstrip("/")) as picture:
            assert icon["sizes"] == "{}x{}".format(*picture.size)
    shortcuts = {shortcut["name"]: shortcut["url"] for shortcut in manifest["shortcuts"]}
    assert shortcuts == {"Write a post": "/posts/new/", "Add an observation": "/survey/new/"}
    assert {shortcut["icons"][0]["src"] for shortcut in manifest["shortcuts"]} == {manifest["icons"][-1]["src"]}


# Accounts


def test_sign_in_and_sign_out(client, seeded):
    response = client.post("/accounts/login/", {"username": "demo2", "password": "offline-demo"})
    assert response["Location"] == "/"
    assert "demo2" in client.get("/").content.decode()
    assert "demo2" in client.get("/accounts/logout/").content.decode()
    assert "demo2" in client.get("/").content.decode(), "a GET must not sign out"
    assert client.post("/accounts/logout/")["Location"] == "/"
    assert "demo2" not in client.get("/").content.decode()


def test_a_wrong_password_is_told_in_the_form(client, seeded):
    response = client.post("/accounts/login/", {"username": "demo1", "password": "wrong"})
    assert '<ul class="errorlist nonfield"' in response.content.decode()


def test_seeds_once_even_if_the_posts_were_deleted(seeded):
    assert sorted(get_user_model().objects.values_list("username", flat=True)) == ["demo1", "demo2"]
    assert Post.objects.exclude(photo="").exists()
    Post.objects.all().delete()
    call_command("seed_demo", verbosity=0)
    assert not Post.objects.exists()


# API


def test_api_tells_a_post(client, post):
    body = client.get("/api/posts/").json()
    assert body == {
        "count": 1,
        "next": None,
        "results": [
            {
                "id": post.pk,
                "title": "Between two tunnels",
                "location": "Coach 9",
                "body": "Rock again.",
                "created": post.created.isoformat().replace("+00:00", "Z"),
            }
        ],
    }


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("run 1 post 2", ["run 1 post 2"]),
        ("RUN 2", ["run 2 post 1"]),
        ("post", ["run 1 post 2", "run 2 post 1"]),
        ("", ["run 1 post 2", "run 2 post 1"]),
        ("somewhere", []),
    ],
)
def test_api_searches_titles_for_a_phrase(client, search, found):
    for title in ("run 1 post 2", "run 2 post 1"):
        Post.objects.create(title=title, location="somewhere", body="somewhere")
    body = client.get("/api/posts/", {"search": search}).json()
    assert [post["title"] for post in body["results"]] == found
    assert body["count"] == len(found)


@pytest.mark.parametrize("search", ["a\0b", "x" * 201])
def test_api_refuses_a_search_no_database_could_answer(client, search):
    assert client.get("/api/posts/", {"search": search}).status_code == 400


def test_api_pages_stay_stable_while_posts_arrive(client):
    Post.objects.bulk_create(Post(title=f"Post {n}", location="Hut", body="Snow.") for n in range(230))
    expected = list(Post.objects.order_by("pk").values_list("pk", flat=True))
    url, seen = "/api/posts/?search=Post", []
    while url:
        body = client.get(url).json()
        seen += [post["id"] for post in body["results"]]
        url = body["next"]
        if len(seen) == 100:
            Post.objects.create(title="Post that came late", location="Hut", body="Snow.")
    assert seen[:230] == expected
    assert len(seen) == len(set(seen)) == 231


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_api_is_read_only(client, post, method):
    assert getattr(client, method)("/api/posts/").status_code == 405


def test_api_has_no_page_that_the_policy_would_break(client):
    """Row D8."""
    response = client.get("/api/posts/", headers={"accept": "text/html,*/*;q=0.8"})
    assert response["Content-Type"] == "application/json"
