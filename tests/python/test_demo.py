"""The demo: ordinary Django pages, its API, its policy, its start."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.urls import reverse
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
    (shortcut,) = manifest["shortcuts"]
    assert (shortcut["name"], shortcut["url"]) == ("Write a post", "/posts/new/")
    assert shortcut["icons"][0]["src"] == manifest["icons"][-1]["src"]


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


# Settings and start: as processes of their own, because both read the environment once


def environment(folder, **changes):
    ours = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "PORT", "DEMO_CSP_REPORT_URI")
    }
    return {**ours, "DJANGO_SETTINGS_MODULE": "demo_site.settings", "DEMO_DATA_DIR": str(folder), **changes}


def read_settings(folder, **changes):
    script = (
        "import json; from django.conf import settings as s;"
        "print(json.dumps({'databases': s.DATABASES, 'key': s.SECRET_KEY, 'debug': s.DEBUG,"
        " 'static': s.STATIC_ROOT, 'media': s.MEDIA_ROOT}, default=str))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment(folder, **changes),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_data_folder_is_made_and_holds_all_there_is(tmp_path):
    folder = tmp_path / "new" / "data folder"
    found = read_settings(folder)
    assert found["debug"] is False
    assert found["databases"]["default"]["NAME"] == str(folder / "db.sqlite3")
    assert (found["static"], found["media"]) == (str(folder / "static"), str(folder / "media"))
    assert [file.name for file in folder.iterdir()] == ["secret-key"]


def test_secret_key_is_made_once(tmp_path):
    first = read_settings(tmp_path)["key"]
    assert len(first) >= 50
    assert read_settings(tmp_path)["key"] == first
    assert (tmp_path / "secret-key").stat().st_mode & 0o077 == 0


def test_c1_sqlite_takes_the_write_lock_when_a_transaction_begins(tmp_path):
    for url in ("", f"sqlite:///{tmp_path}/other.sqlite3"):
        options = read_settings(tmp_path, DATABASE_URL=url)["databases"]["default"]["OPTIONS"]
        assert options["transaction_mode"] == "IMMEDIATE"
        assert options["init_command"] == "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"


def test_other_databases_by_url(tmp_path):
    postgres = read_settings(tmp_path, DATABASE_URL="postgres://ann@db:5433/posts")["databases"]["default"]
    assert (postgres["ENGINE"], postgres["HOST"], postgres["PORT"], postgres["NAME"]) == (
        "django.db.backends.postgresql",
        "db",
        5433,
        "posts",
    )
    mariadb = read_settings(tmp_path, DATABASE_URL="mysql://root@127.0.0.1/posts")["databases"]["default"]
    assert mariadb["ENGINE"] == "django.db.backends.mysql"
    assert mariadb["OPTIONS"]["charset"] == "utf8mb4"


def test_d8_reports_of_the_policy_are_kept_in_the_data_folder(tmp_path):
    script = (
        "import django; django.setup();"
        "from django.test import Client; report = b'{\"a\":\\n1}';"
        "client = Client(enforce_csrf_checks=True, SERVER_NAME='localhost');"
        "print(*[client.post('/csp-reports/', report, 'application/csp-report').status_code for turn in range(2)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment(tmp_path, DEMO_CSP_REPORT_URI="/csp-reports/"),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["204", "204"]
    reports = (tmp_path / "csp-reports.jsonl").read_text().splitlines()
    assert [json.loads(report) for report in reports] == [{"a": 1}, {"a": 1}]


def test_nobody_can_send_reports_where_none_are_asked_for(client):
    assert client.post("/csp-reports/").status_code == 404


class Demo:
    """A running ``manage.py demo``."""

    def __init__(self, folder: Path, port: int | str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "demo"],
            cwd=ROOT,
            env=environment(folder, PORT=str(port)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        # A server that never gets ready ends here and not with the test run.
        self.guard = threading.Timer(120, self.process.kill)
        self.guard.start()

    def __enter__(self) -> "Demo":
        self.hint = self.process.stdout.readline()
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.guard.cancel()

    def rest(self):
        """What it says after the hint, until it ends."""
        return self.process.stdout.read()

    def get(self, path):
        with urllib.request.urlopen(self.url + path) as response:
            return response.read().decode()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_demo_starts_from_nothing_survives_sigkill_and_ends_quietly(tmp_path):
    port = free_port()
    with Demo(tmp_path, port) as demo:
        assert f"http://localhost:{port}/posts/new/" in demo.hint
        assert json.loads(demo.get("/api/posts/"))["count"] == 4
        stylesheet = re.search(r'rel="stylesheet" href="([^"]+)"', demo.get("/"))[1]
        assert re.fullmatch(r"/static/demo/site\.[0-9a-f]{12}\.css", stylesheet)
        assert "--paper" in demo.get(stylesheet)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            demo.get("/static/demo/site.css")
        icon = json.loads(demo.get("/manifest.json"))["icons"][0]["src"]
        assert re.fullmatch(r"/static/demo/icon-maskable-512\.[0-9a-f]{12}\.png", icon)

        with Demo(tmp_path, port) as second:
            assert f"Can't listen on 127.0.0.1:{port}" in second.hint
            assert second.rest() == ""
            assert second.process.wait() == 1

        demo.process.send_signal(signal.SIGKILL)
        demo.process.wait()
    key = (tmp_path / "secret-key").read_text()
    collected = (tmp_path / "static" / "staticfiles.json").stat().st_mtime_ns

    with Demo(tmp_path, port) as demo:
        assert json.loads(demo.get("/api/posts/"))["count"] == 4
        demo.process.send_signal(signal.SIGTERM)
        assert demo.rest() == ""
        assert demo.process.wait() == 0
    assert (tmp_path / "secret-key").read_text() == key
    assert (tmp_path / "static" / "staticfiles.json").stat().st_mtime_ns == collected


def test_a_port_that_is_none_is_told_in_one_line(tmp_path):
    with Demo(tmp_path, "http") as demo:
        assert "PORT is 'http'; set it to a number from 1 to 65535." in demo.hint
        assert demo.rest() == ""


def test_demo_names_its_pages_that_are_kept_offline(settings):
    assert [reverse(name) for name in settings.OFFLINESYNC["PAGES"]] == ["/", "/posts/new/"]
