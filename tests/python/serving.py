"""Server processes for the tests of `servers.py`: one parent that has Django loaded, and forks what serves.

Commands come as lines of JSON on standard input, answers go out the same way. The parent holds the listening socket,
so that a worker which is killed is replaced without a connection refused. A worker can be told to stop at a step of
a delivery, and says so: before each statement, before and after each commit, and before the answer.
"""

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

import django

# Before anything that needs the settings.
django.setup()

from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connections  # noqa: E402
from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: E402
from django.db.backends.signals import connection_created  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402
from waitress import create_server  # noqa: E402

from offlinesync.models import Submission  # noqa: E402
from tests.python.sampleapp import offline  # noqa: E402
from tests.python.sampleapp.models import Note  # noqa: E402

BACKLOG = 512


def tell(**said: Any) -> None:
    """One line, written at once: several processes share the pipe."""
    os.write(1, json.dumps(said).encode() + b"\n")


class Steps:
    """Counts the steps of the one delivery that a test watches, and stops at one of them."""

    def __init__(self, stop_at: int | None) -> None:
        self.stop_at = stop_at
        self.go_on = threading.Event()
        self._of_thread = threading.local()

    def begin(self) -> None:
        self._of_thread.count = 0

    def end(self) -> None:
        self._of_thread.count = None

    def take(self, what: str) -> None:
        count = getattr(self._of_thread, "count", None)
        if count is None:
            return
        self._of_thread.count = count + 1
        if count == self.stop_at:
            self.stop_at = None
            self.stop(count, what)

    def stop(self, step: int, what: str) -> None:
        tell(stopped=os.getpid(), step=step, what=what)
        self.go_on.wait()

    def watch_connections(self) -> None:
        def execute(execute: Callable, sql: str, *args: Any) -> Any:
            self.take(sql.split(maxsplit=1)[0])
            return execute(sql, *args)

        def wrap(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
            if execute not in connection.execute_wrappers:
                connection.execute_wrappers.append(execute)

        connection_created.connect(wrap, weak=False)
        commit = BaseDatabaseWrapper._commit

        def commit_between_steps(connection: BaseDatabaseWrapper) -> None:
            self.take("before COMMIT")
            commit(connection)
            self.take("after COMMIT")

        BaseDatabaseWrapper._commit = commit_between_steps

    def watch_deliveries(self, application: Callable) -> Callable:
        def watched(environ: dict, start_response: Callable) -> Iterable[bytes]:
            if environ["REQUEST_METHOD"] != "POST":
                return application(environ, start_response)
            self.begin()
            try:
                answer = application(environ, start_response)
                self.take("answer")
                return answer
            finally:
                self.end()

        return watched


def serve(
    application: Callable,
    listener: socket.socket,
    lifeline: tuple[int, int],
    *,
    stop_at: int | None,
    hangs: bool,
    threads: int,
) -> None:
    """Be a worker, until killed or until the parent is gone."""
    os.close(lifeline[1])
    threading.Thread(target=lambda: os.read(lifeline[0], 1) or os._exit(0), daemon=True).start()
    steps = Steps(stop_at)
    signal.signal(signal.SIGUSR1, lambda *received: steps.go_on.set())
    steps.watch_connections()
    offline.BEHAVIOURS["hang"] = (lambda: steps.stop(-1, "handler")) if hangs else (lambda: None)
    application = steps.watch_deliveries(application)
    create_server(application, sockets=[listener], threads=threads, connection_limit=1000).run()


def rows() -> dict[str, Any]:
    """What the database holds."""
    held = {
        "ledger": [str(key) for key in Submission.objects.values_list("submission_id", flat=True)],
        "notes": list(Note.objects.values_list("title", flat=True)),
    }
    connections.close_all()
    return held


def main() -> None:
    """Obey, until there is nobody to command any more."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    lifeline = os.pipe()
    # What the first request would load, every worker has from the beginning.
    application = get_wsgi_application()
    assert Client(SERVER_NAME="localhost").get(reverse("offlinesync:session")).status_code == 200
    tell(port=listener.getsockname()[1])
    for line in sys.stdin:
        command = json.loads(line)
        match command.pop("do"):
            case "start":
                pid = os.fork()
                if pid == 0:
                    try:
                        serve(application, listener, lifeline, **command)
                    finally:
                        os._exit(1)
                tell(started=pid)
            case "kill":
                os.kill(command["pid"], signal.SIGKILL)
                os.waitpid(command["pid"], 0)
                tell(killed=command["pid"])
            case "migrate":
                call_command("migrate", run_syncdb=True, verbosity=0, interactive=False)
                connections.close_all()
                tell(migrated=True)
            case "rows":
                tell(**rows())


if __name__ == "__main__":
    main()
