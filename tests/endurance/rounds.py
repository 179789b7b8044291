"""One round of each part, from nothing to its counts."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.browser import cuts, kills
from tests.browser.artifacts import ARTIFACTS, keep
from tests.browser.engines import VirtualDisplay, browser_maker
from tests.browser.site import prepare
from tests.browser.stage import Stage, Way, staged

from . import twins
from .record import faults

CUTS = 10
LIVES = {"chromium": 10, "firefox": 5, "webkitgtk": 10}


class Rounds:
    """Plays rounds one after the other; what they share is made for the first that wants it."""

    def __init__(self) -> None:
        self.stack = ExitStack()
        self.template: Path | None = None
        self.screen: VirtualDisplay | None = None

    def __enter__(self) -> Rounds:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def play(self, part: str, seed: int) -> tuple[Counter[str], str]:
        """One round: its counts, and the version of what it ran on."""
        if part == "twins":
            return twins.round_(seed), f"waitress on {twins.database()}"
        if part == "links":
            engine = list(LIVES)[seed % len(LIVES)]
            return self.on_stage(engine, Way.CABLE, f"links-{seed}", lambda stage: cuts.round_(stage, seed, CUTS))
        engine = "webkitgtk" if part == "webkit" else part
        lives = LIVES[engine]
        return self.on_stage(engine, Way.PROXIED, f"{part}-{seed}", lambda stage: kills.round_(stage, seed, lives))

    def on_stage(
        self, engine: str, way: Way, name: str, round_: Callable[[Stage], Counter[str]]
    ) -> tuple[Counter[str], str]:
        """Play a round on a stage of its own; keep what is left of one that has failed."""
        make = browser_maker(engine, display=self.display)
        with staged(make, way, template=self.prepared_site(), environment={}) as stage:
            version = stage.driver.capabilities["browserVersion"]
            try:
                counts = round_(stage)
            except BaseException:
                keep_all(stage, name)
                raise
            if faults(counts):
                keep_all(stage, name)
            return counts, f"{stage.browser.name} {version}"

    def prepared_site(self) -> Path:
        """A demo's data folder, migrated and seeded once for all rounds."""
        if self.template is None:
            folder = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="offlinesync-endurance-"))
            self.template = prepare(Path(folder))
        return self.template

    def display(self) -> str:
        """The virtual screen that WebKitGTK draws on."""
        if self.screen is None:
            self.screen = VirtualDisplay()
            self.stack.callback(self.screen.close)
        return self.screen.name


def folder_of(name: str) -> Path:
    """Where what is left of a round is kept."""
    return ARTIFACTS / f"endurance-{name}"


def keep_all(stage: Stage, name: str) -> None:
    """Keep the site's database and the browser's profile as well."""
    keep(stage, folder_of(name))
    for source in (stage.site.data / "db.sqlite3", stage.browser.profile):
        target = folder_of(name) / source.name
        if source.is_dir():
            # Sockets and locks of a browser that is still running are not to be copied.
            shutil.copytree(source, target, dirs_exist_ok=True, ignore=lambda at, names: special(Path(at), names))
        else:
            shutil.copy(source, target)


def special(folder: Path, names: list[str]) -> list[str]:
    """What is neither a file nor a folder."""
    return [name for name in names if not ((folder / name).is_file() or (folder / name).is_dir())]
