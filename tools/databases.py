"""Finds a PostgreSQL or MariaDB server, or starts one of its own with an empty data folder on a free local port.

In Python: ``with databases.postgresql() as server:`` gives ``server.url``, ``server.kill()`` and ``server.start()``.
On the command line: ``databases.py mariadb COMMAND...`` runs the command with DATABASE_URL set: to the server that
answers on its standard port and lets us in without a password, or else to one that is started, and stopped again.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pymysql

DATABASE = "offlinesync"
SECONDS_TO_START = 60
SECONDS_TO_STOP = 60
# Both servers refuse to run as root. This account exists everywhere and owns nothing else of the run.
UNPRIVILEGED = "nobody"


class DatabaseError(Exception):
    """A server is not installed, or did not start; the message says why."""


def program(name: str, *folders: str) -> str:
    """The path of a server's program, which Debian keeps off the PATH of ordinary users."""
    newest_first = sorted((folder for pattern in folders for folder in Path("/").glob(pattern)), reverse=True)
    path = shutil.which(name, path=os.pathsep.join([*map(str, newest_first), os.environ.get("PATH", "")]))
    if path is None:
        raise DatabaseError(f"{name} is not installed. On Debian: tools/system_packages.sh postgresql (or mariadb)")
    return path


def unprivileged() -> dict[str, Any]:
    """The arguments with which subprocess starts a program as somebody who may run a database server."""
    if os.geteuid() != 0:
        return {}
    return {"user": UNPRIVILEGED, "group": pwd.getpwnam(UNPRIVILEGED).pw_gid, "extra_groups": []}


def free_port() -> int:
    """A local TCP port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children_of(parent: int) -> Iterator[int]:
    """The processes that a process has started; none where the system does not tell."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(") ")[2].split()[1]) == parent:
                yield int(stat.parent.name)


class Server:
    """One server process and its folder; it may be killed and started again on the same data and port."""

    def __init__(
        self, url: str, folder: Path, command: list[str], connect: Callable[[], object], stop_signal: signal.Signals
    ) -> None:
        """``connect`` raises OSError or the driver's OperationalError until the server answers."""
        self.url = url
        self.log = folder / "server.log"
        self._folder = folder
        self._command = command
        self._connect = connect
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and return once it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **unprivileged()
            )
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                self._connect()
            except (OSError, psycopg.OperationalError, pymysql.OperationalError) as refusal:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.kill()
                    written = self.log.read_text(errors="replace")[-2000:]
                    raise DatabaseError(f"{self._command[0]} did not start. It wrote:\n{written}") from refusal
                time.sleep(0.1)
            else:
                return

    def stop(self) -> None:
        """Shut the server down as its operator would; a server that does not obey is killed."""
        if self._process is None:
            return
        self._process.send_signal(self._stop_signal)
        try:
            self._process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End the server with SIGKILL, as a power cut would: what it has forked as well."""
        if self._process is not None:
            # It must not see its children die, and clean up after them.
            self._process.send_signal(signal.SIGSTOP)
            for child in children_of(self._process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
        self._process = None


@contextlib.contextmanager
def server_folder() -> Iterator[Path]:
    """A folder that the server's account may write to, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="offlinesync-database-", ignore_cleanup_errors=True) as name:
        if os.geteuid() == 0:
            shutil.chown(name, UNPRIVILEGED)
        yield Path(name)


def prepare(folder: Path, *command: str) -> None:
    """Run a server's own program that lays out an empty data folder."""
    made = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **unprivileged())
    if made.returncode:
        raise DatabaseError(f"{command[0]} failed: {made.stdout[-1000:]}{made.stderr[-1000:]}")


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """Start the server, and stop it whatever happens."""
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server whose user postgres needs no password, with an empty database."""
    programs = "usr/lib/postgresql/*/bin"
    with server_folder() as folder:
        data, port = folder / "data", free_port()
        authority = f"postgres@127.0.0.1:{port}"
        prepare(folder, program("initdb", programs), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8")
        command = [program("postgres", programs), "-D", str(data), "-h", "127.0.0.1", "-p", str(port)]
        server = Server(
            url=f"postgres://{authority}/{DATABASE}",
            folder=folder,
            command=[*command, "-k", str(folder)],
            connect=lambda: psycopg.connect(f"postgresql://{authority}/postgres").close(),
            # SIGTERM would wait until the last client has left
            stop_signal=signal.SIGINT,
        )
        with running(server):
            with psycopg.connect(f"postgresql://{authority}/postgres", autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {DATABASE}")
            yield server


@contextlib.contextmanager
def mariadb() -> Iterator[Server]:
    """A MariaDB server whose user root needs no password, with an empty database."""
    with server_folder() as folder:
        data, port = f"--datadir={folder / 'data'}", free_port()
        install = program("mariadb-install-db")
        prepare(folder, install, "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db")
        command = [program("mariadbd", "usr/sbin"), "--no-defaults", data, "--bind-address=127.0.0.1"]
        server = Server(
            url=f"mysql://root@127.0.0.1:{port}/{DATABASE}",
            folder=folder,
            command=[*command, f"--port={port}", f"--socket={folder / 'socket'}", "--character-set-server=utf8mb4"],
            connect=lambda: pymysql.connect(host="127.0.0.1", port=port, user="root").close(),
            stop_signal=signal.SIGTERM,
        )
        with running(server):
            with pymysql.connect(host="127.0.0.1", port=port, user="root") as connection:
                connection.cursor().execute(f"CREATE DATABASE {DATABASE}")
            yield server


SERVERS = {"postgresql": postgresql, "mariadb": mariadb}
STANDARD = {"postgresql": "postgres://postgres@127.0.0.1:5432", "mariadb": "mysql://root@127.0.0.1:3306"}


def answers(name: str) -> bool:
    """Whether a server on the standard port lets its administrator in without a password."""
    try:
        if name == "postgresql":
            psycopg.connect(host="127.0.0.1", user="postgres", dbname="postgres", connect_timeout=5).close()
        else:
            pymysql.connect(host="127.0.0.1", user="root", connect_timeout=5).close()
    except (OSError, psycopg.OperationalError, pymysql.OperationalError):
        return False
    return True


@contextlib.contextmanager
def database_url(name: str) -> Iterator[str]:
    """The address for a run's own database. pytest-django puts ``test_`` before the name, makes it and drops it."""
    if answers(name):
        print(f"{name}: using the server on its standard port", flush=True)
        yield f"{STANDARD[name]}/{DATABASE}_{os.getpid()}"
    else:
        print(f"{name}: starting a server", flush=True)
        with SERVERS[name]() as server:
            yield server.url


def main(arguments: list[str]) -> int:
    """Run a command against a database; the exit status is the command's."""
    if len(arguments) < 2 or arguments[0] not in SERVERS:
        print(f"Usage: databases.py {'|'.join(SERVERS)} COMMAND...", file=sys.stderr)
        return 2
    name, *command = arguments
    # so that the server is stopped when the caller ends us
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        with database_url(name) as url:
            return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=False).returncode
    except DatabaseError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
