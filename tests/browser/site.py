"""The demo as visitors meet it: a real server process, started by the command that the README names."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .network import Namespace
from .processes import end, kill_marked, marked_environment, new_mark
from .waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90
ACCOUNTS = ("demo1", "demo2")
PASSWORD = "offline-demo"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Site:
    """One demo server with a data folder of its own; it comes back on the same port."""

    def __init__(
        self, directory: Path, namespace: Namespace, *, template: Path | None = None, **environment: str
    ) -> None:
        self.data = directory / "data"
        if template is not None:
            # Migrated, seeded and collected once for the whole run.
            shutil.copytree(template, self.data)
        self.log = directory / "server.log"
        self.namespace = namespace
        self.port = namespace.free_port()
        self.url = f"http://localhost:{self.port}"
        self.environment = environment
        self.mark = new_mark()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def command(self) -> list[str]:
        """What starts the server."""
        return [sys.executable, "manage.py", "demo"]

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start the server."""
        with open(self.log, "ab") as log, self.namespace.entered():
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.settings(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def settings(self) -> dict[str, str]:
        """The environment of whatever runs on the site's data."""
        settings = {
            "DJANGO_SETTINGS_MODULE": "demo_site.settings",
            "DEMO_DATA_DIR": str(self.data),
            "PORT": str(self.port),
            **self.environment,
        }
        environment = marked_environment(self.mark, **settings)
        environment.pop("DATABASE_URL", None)
        return environment

    def manage(self, *arguments: str) -> str:
        """What a command of the site writes, as somebody runs it beside the server."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.settings(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def wait(self) -> None:
        """Wait until the server answers."""
        wait_until(self.answers, f"the demo answers at {self.url}", seconds=START_SECONDS)

    def answers(self) -> bool:
        """Whether the server takes requests; an error when it has ended instead."""
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError(f"the demo ended at once:\n{self.log.read_text(errors='replace')[-4000:]}")
        try:
            return self.get("/api/posts/").status == 200
        except OSError:
            return False

    def stop(self) -> None:
        """Stop the server as Ctrl-C would."""
        if self.process is not None:
            end(self.process, self.mark)
            self.process = None

    def kill(self) -> None:
        """End the server by SIGKILL."""
        if self.process is not None:
            kill_marked(self.mark)
            self.process.kill()
            self.process.wait()
            self.process = None

    def get(self, path: str, **headers: str) -> Answer:
        """GET a path of the site, from beside the server: no cable and no proxy on the way."""
        with self.namespace.entered():
            connection = http.client.HTTPConnection("localhost", self.port, timeout=20)
            with closing(connection):
                connection.request("GET", path, headers=headers)
                response = connection.getresponse()
                return Answer(response.status, dict(response.getheaders()), response.read())

    def posts(self, title: str) -> list[dict[str, Any]]:
        """The posts whose title holds the words, as the demo's own API lists them."""
        answer = self.get(f"/api/posts/?search={quote(title)}")
        assert answer.status == 200, answer
        return list(json.loads(answer.body)["results"])

    def photo_of(self, post: Mapping[str, Any]) -> bytes:
        """The bytes of a post's photo, as its page shows it."""
        page = self.get(f"/posts/{post['id']}/").body.decode()
        found = re.search(r'class="post-photo"><img src="([^"]+)"', page)
        assert found, f"post {post['id']} shows no photo"
        return self.get(found[1]).body

    def ledger(self) -> list[sqlite3.Row]:
        """The accepted submissions, oldest first."""
        with closing(sqlite3.connect(self.data / "db.sqlite3")) as database:
            database.row_factory = sqlite3.Row
            return database.execute("SELECT * FROM offlinesync_submission ORDER BY id").fetchall()

    def end_sessions(self) -> None:
        """Forget who is signed in, as happens when a session expires."""
        with closing(sqlite3.connect(self.data / "db.sqlite3")) as database, database:
            database.execute("DELETE FROM django_session")

    def user_id(self, username: str) -> str:
        """An account's primary key as text: the owner of what it saves."""
        with closing(sqlite3.connect(self.data / "db.sqlite3")) as database:
            (key,) = database.execute("SELECT id FROM auth_user WHERE username = ?", [username]).fetchone()
            return str(key)

    def policy_reports(self) -> list[dict[str, Any]]:
        """What browsers have reported against the demo's Content-Security-Policy."""
        file = self.data / "csp-reports.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [json.loads(line) for line in lines]


def prepare(directory: Path) -> Path:
    """A data folder that has been migrated, seeded and collected, to be copied."""
    site = Site(directory, Namespace())
    try:
        site.start()
        site.stop()
    finally:
        site.kill()
    return site.data
