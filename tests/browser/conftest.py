"""Fixtures of the browser tests: a stage for each test, on the engine it asks for."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

from . import pages
from .artifacts import ARTIFACTS, keep, told
from .engines import BrowserMissing, VirtualDisplay, browser_maker
from .network import missing_for_network
from .site import ROOT, prepare
from .stage import Stage, Way, staged

OpenStage = Callable[..., AbstractContextManager[Stage]]


def absent(reason: str) -> NoReturn:
    """Skip what this machine can't run; in CI, where it must run, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def prepared_site() -> Iterator[Path]:
    """A demo's data folder, migrated and seeded once for all tests."""
    with tempfile.TemporaryDirectory(prefix="offlinesync-browser-") as directory:
        yield prepare(Path(directory))


@pytest.fixture(scope="session")
def display() -> Iterator[VirtualDisplay]:
    """The virtual screen that WebKitGTK draws on."""
    try:
        screen = VirtualDisplay()
    except BrowserMissing as missing:
        absent(str(missing))
    yield screen
    screen.close()


@pytest.fixture(scope="session")
def open_stage(request: pytest.FixtureRequest, prepared_site: Path) -> OpenStage:
    """Opens stages: `with open_stage("chromium", Way.CABLE) as stage`."""

    def display() -> str:
        return str(request.getfixturevalue("display").name)

    @contextmanager
    def open_one(
        engine: str = "chromium",
        way: Way = Way.PROXIED,
        *,
        arguments: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Iterator[Stage]:
        missing = missing_for_network()
        if way is Way.CABLE and missing:
            absent(missing)
        with ExitStack() as stack:
            try:
                make = browser_maker(engine, arguments=arguments, display=display)
                opening = staged(make, way, template=prepared_site, environment=environment or {})
                opened = stack.enter_context(opening)
            except BrowserMissing as reason:
                absent(str(reason))
            yield opened

    return open_one


@pytest.fixture
def engine() -> str:
    """The engine, unless the test names others."""
    return "chromium"


@pytest.fixture
def way() -> Way:
    """How the browser reaches the site, unless the test says otherwise."""
    return Way.PROXIED


@pytest.fixture
def arguments() -> tuple[str, ...]:
    """More arguments for Chromium or Firefox."""
    return ()


@pytest.fixture
def environment() -> Mapping[str, str]:
    """More environment variables for the site."""
    return {}


@pytest.fixture
def stage(
    open_stage: OpenStage, engine: str, way: Way, arguments: tuple[str, ...], environment: Mapping[str, str]
) -> Iterator[Stage]:
    """A browser and a site of the test's own."""
    with open_stage(engine, way, arguments=arguments, environment=environment) as opened:
        yield opened


@pytest.fixture(scope="module")
def module_stage(open_stage: OpenStage) -> Iterator[Stage]:
    """A browser and a site of the module's own."""
    with open_stage() as opened:
        yield opened


@pytest.fixture
def shared_stage(module_stage: Stage) -> Iterator[Stage]:
    """The module's stage; whatever a test leaves on the device is gone after it."""
    yield module_stage
    module_stage.proxy.heal()
    pages.forget_entries(module_stage)
    module_stage.proxy.exchanges.clear()


def pytest_configure(config: pytest.Config) -> None:
    """Selenium warns of how it starts WebKitGTK itself."""
    config.addinivalue_line("filterwarnings", "ignore:setting remote_server_addr:DeprecationWarning")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Keep a picture of the page a test failed on, and what the site and the driver have said."""
    report = yield
    found = getattr(item, "funcargs", {}).get("stage")
    if report.failed and isinstance(found, Stage):
        folder = ARTIFACTS / re.sub(r"[^\w.-]+", "_", item.name)
        keep(found, folder)
        report.sections.append(("Browser test", f"picture and logs: {folder.relative_to(ROOT)}\n{told(found)}"))
    return report
