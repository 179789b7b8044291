"""What the demo's settings read from the process's environment and keep in its data folder."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dj_database_url
from django.core.management.utils import get_random_secret_key


def data_dir(default: Path) -> Path:
    """The folder named by ``DEMO_DATA_DIR``, or ``default``; made when it is missing."""
    folder = Path(os.environ.get("DEMO_DATA_DIR") or default).expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def secret_key(path: Path) -> str:
    """The key kept in ``path``; the first process to ask makes it, and every later one reads the same.

    The key is written beside its place and linked into it, so that a process killed half-way leaves no half a key.
    """
    if not path.exists():
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(handle, "w") as file:
            file.write(get_random_secret_key())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was faster, and its key is the one to use
        finally:
            os.unlink(draft)
    return path.read_text()


def database(folder: Path) -> dict[str, Any]:
    """The database named by ``DATABASE_URL``, or an SQLite file in ``folder``."""
    default = f"sqlite:///{quote(str(folder / 'db.sqlite3'))}"
    config: dict[str, Any] = dict(
        dj_database_url.parse(os.environ.get("DATABASE_URL") or default, conn_max_age=60, conn_health_checks=True)
    )
    options = config.setdefault("OPTIONS", {})
    if config["ENGINE"].endswith("sqlite3"):
        # Two writers that both began by reading can't both go on: SQLite fails one of them at once, whatever the
        # timeout says, unless a transaction takes the write lock when it begins.
        options["transaction_mode"] = "IMMEDIATE"
        options["init_command"] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"
        options["timeout"] = 20
    elif config["ENGINE"].endswith("mysql"):
        options["charset"] = "utf8mb4"
        config["TEST"] = {"CHARSET": "utf8mb4"}
        use_a_mysql_driver()
    return config


def use_a_mysql_driver() -> None:
    """Let PyMySQL stand in where mysqlclient, which needs a compiler, isn't installed."""
    try:
        import MySQLdb  # noqa: F401
    except ImportError:
        import pymysql

        pymysql.install_as_MySQLdb()
        sys.modules["MySQLdb"].version_info = (2, 2, 8, "final", 1)  # type: ignore[attr-defined]
