"""The demo, from nothing to a running site, in one process."""

import hashlib
import os
import signal
import socket
import sys
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.core.wsgi import get_wsgi_application
from waitress import create_server

HOST = "127.0.0.1"


class Command(BaseCommand):
    """Serve the demo in the foreground until Ctrl-C or SIGTERM."""

    help = "Migrate, collect static files, seed, and serve the demo on 127.0.0.1; PORT says on which port (8000)."

    def handle(self, **options: Any) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *received: sys.exit(0))
        port = port_from_environment()
        # Bound before the slow steps, so that a taken port is told at once, and listening only after them.
        with bind(port) as listener:
            call_command("migrate", verbosity=0, interactive=False)
            collect_static()
            call_command("seed_demo", verbosity=0)
            server = create_server(get_wsgi_application(), sockets=[listener], threads=16, connection_limit=500)
            print(
                f"Open http://localhost:{port}/posts/new/, stop this server with Ctrl-C, reload the page and send a "
                "post: start the server again, and the list has it once.",
                flush=True,
            )
            server.run()


def port_from_environment() -> int:
    """The port named by ``PORT``, or 8000."""
    value = os.environ.get("PORT") or "8000"
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise CommandError(f"PORT is {value!r}; set it to a number from 1 to 65535.")
    return int(value)


def bind(port: int) -> socket.socket:
    """A socket bound to ``port``, or an error that says what to do."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise CommandError(
            f"Can't listen on {HOST}:{port} ({error.strerror}). Stop what uses it, or choose another port with PORT."
        ) from error
    return listener


def collect_static() -> None:
    """Run ``collectstatic``, unless the same files were collected before."""
    mark = settings.STATIC_ROOT / ".collected"
    state = static_state()
    if mark.exists() and mark.read_text() == state:
        return
    call_command("collectstatic", verbosity=0, interactive=False)
    mark.write_text(state)


def static_state() -> str:
    """A digest over the name, size and age of every static file, cheap enough for every start."""
    files = []
    for finder in get_finders():
        for name, storage in finder.list([]):
            stat = os.stat(storage.path(name))
            files.append(f"{storage.path(name)} {stat.st_size} {stat.st_mtime_ns}")
    return hashlib.sha256("\n".join(sorted(files)).encode()).hexdigest()
