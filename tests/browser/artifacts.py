"""What is kept of a stage on which something has failed."""

from __future__ import annotations

import re
import shutil
import sqlite3
from pathlib import Path

from selenium.common.exceptions import WebDriverException
from urllib3.exceptions import HTTPError

from .engines import Chromium
from .site import ROOT
from .stage import Stage

ARTIFACTS = ROOT / ".test-artifacts"
LATEST = 60
LAST_LINES = 20
OF_BROWSER = re.compile(r"FATAL|Received signal|[Cc]rash")


def keep(stage: Stage, folder: Path) -> None:
    """Keep a picture of the page, and what the site, the driver and the console have said."""
    folder.mkdir(parents=True, exist_ok=True)
    for log in (stage.site.log, stage.browser.log):
        if log.exists():
            shutil.copy(log, folder)
    if stage.through is not None:
        (folder / "requests.log").write_text("\n".join(map(str, stage.through.exchanges)))
    try:
        stage.driver.save_screenshot(str(folder / "page.png"))
        if isinstance(stage.browser, Chromium):
            (folder / "console.log").write_text("\n".join(map(str, stage.driver.get_log("browser"))))
    # The browser may be what has failed.
    except (WebDriverException, HTTPError, RuntimeError, OSError) as error:
        (folder / "no-picture.txt").write_text(str(error))


def told(stage: Stage) -> str:
    """What the site was asked last, and what it has taken in: where only the output is kept, it is all there is."""
    asked = [
        exchange for exchange in (stage.through.exchanges if stage.through else []) if "/static/" not in exchange.path
    ]
    try:
        taken = [
            " ".join(str(row[key]) for key in ("id", "submission_id", "owner", "form")) for row in stage.site.ledger()
        ]
    except sqlite3.Error as error:
        taken = [f"no ledger: {error}"]
    return "\n".join(
        [*map(str, asked[-LATEST:]), "in the ledger:", *taken, "the browser:", *said_last(stage.browser.log)]
    )


def said_last(log: Path) -> list[str]:
    """What the browser has said of its own end, among all that its driver has written."""
    said = log.read_text(errors="replace").splitlines() if log.exists() else []
    return [line for line in said if OF_BROWSER.search(line)][-LAST_LINES:]
