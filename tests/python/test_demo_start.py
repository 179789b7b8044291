"""The demo's settings and its start, as processes of their own: both read the environment once."""

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
from django.urls import reverse

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.django_db


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
    assert [reverse(name) for name in settings.OFFLINESYNC["PAGES"]] == [
        "/",
        "/posts/new/",
        "/tasks/",
        "/shop/",
        "/survey/",
        "/survey/new/",
    ]
