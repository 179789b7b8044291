"""The site that Workbox is tried on: posts in SQLite, an account in a cookie, a page and its worker.

`python -m tests.peers.site PORT DATABASE WORKER` serves it, with one of the service workers beside this file.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

HERE = Path(__file__).resolve().parent
PACKAGES = HERE.parent / "node_modules"
POSTS = "/api/posts.json"
# Runs no script: who looks at the device from here starts nothing.
NEUTRAL = "/api/posts/"
SIGN_IN = "/accounts/login/"
SIGN_OUT = "/accounts/logout/"
FILES = {
    "/": (HERE / "page.html", "text/html; charset=utf-8"),
    **{
        f"/workbox/{name}.prod.js": (PACKAGES / name / "build" / f"{name}.prod.js", "text/javascript")
        for name in ("workbox-core", "workbox-routing", "workbox-strategies", "workbox-background-sync")
    },
}
ACCOUNT_FORM = """<!doctype html><title>Account</title><main><form method="post">
<input name="username"><input name="password" type="password"><button type="submit">Go</button></form></main>"""


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    database: Path
    worker: Path

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path in FILES:
            file, content_type = FILES[path]
            self.answer(200, file.read_bytes(), content_type)
        elif path == "/worker.js":
            self.answer(200, self.worker.read_bytes(), "text/javascript")
        elif path in (SIGN_IN, SIGN_OUT):
            self.answer(200, ACCOUNT_FORM.encode(), "text/html; charset=utf-8")
        elif path == NEUTRAL:
            self.answer(200, b"{}", "application/json")
        else:
            self.answer(404, b"", "text/plain")

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if path == POSTS:
            self.keep(json.loads(body)["title"])
            self.answer(201, b"{}", "application/json")
        elif path == SIGN_IN:
            self.sign_in(parse_qs(body.decode()).get("username", []))
        elif path == SIGN_OUT:
            self.answer(303, b"", "text/plain", Location="/", Set_Cookie="username=; Path=/; Max-Age=0")
        else:
            self.answer(404, b"", "text/plain")

    def sign_in(self, usernames: list[str]) -> None:
        """Remember who it is, or ask again, as a sign-in page does when something else is posted to it (307, 308)."""
        if not usernames:
            self.answer(200, ACCOUNT_FORM.encode(), "text/html; charset=utf-8")
            return
        cookie = f"username={usernames[0]}; Path=/; HttpOnly"
        self.answer(303, b"", "text/plain", Location="/", Set_Cookie=cookie)

    def keep(self, title: str) -> None:
        """Put a post into the database, under the name of who is signed in."""
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("username")
        with closing(sqlite3.connect(self.database, timeout=20)) as database, database:
            database.execute("INSERT INTO post (title, author) VALUES (?, ?)", [title, cookie.value if cookie else ""])

    def answer(self, status: int, body: bytes, content_type: str, **headers: str) -> None:
        """Send a whole answer."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


def main(port: int, database: Path, worker: str) -> None:
    """Serve until killed."""
    with closing(sqlite3.connect(database)) as made, made:
        made.execute("CREATE TABLE IF NOT EXISTS post (id INTEGER PRIMARY KEY, title TEXT, author TEXT)")
    Handler.database, Handler.worker = database, HERE / worker
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
