"""What is kept of a stage on which something has failed."""

from __future__ import annotations

import shutil
from pathlib import Path

from selenium.common.exceptions import WebDriverException
from urllib3.exceptions import HTTPError

from .engines import Chromium
from .site import ROOT
from .stage import Stage

ARTIFACTS = ROOT / ".test-artifacts"


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
