"""A browser, a site, and what lies between them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from selenium.webdriver.remote.webdriver import WebDriver

from .engines import Browser
from .network import SITE_ADDRESS, Namespace, Network, missing_for_network
from .proxy import Proxy, Relay
from .site import Site
from .waiting import wait_until

CLIENT_RUNS_SCRIPT = "return performance.getEntriesByName('offlinesync:start').length > 0"
IS_COMPLETE_SCRIPT = f"""
const runs = (() => {{ {CLIENT_RUNS_SCRIPT} }})();
return runs || document.querySelector('link[rel="offlinesync-client"]') === null;
"""


class Way(Enum):
    """How the browser reaches the site."""

    DIRECT = "direct"
    PROXIED = "proxied"
    CABLE = "cable"


@dataclass
class Stage:
    """One test's world. The test's own thread is in the browser's namespace, and so is what it starts."""

    browser: Browser
    site: Site
    url: str
    through: Proxy | None
    laid: Network | None

    @property
    def driver(self) -> WebDriver:
        """The browser's driver."""
        return self.browser.driver

    @property
    def proxy(self) -> Proxy:
        """The proxy between browser and site."""
        if self.through is None:
            raise RuntimeError("this stage has no proxy: ask for Way.PROXIED or Way.CABLE")
        return self.through

    @property
    def network(self) -> Network:
        """The network that the browser is in."""
        if self.laid is None:
            raise RuntimeError("this stage has no network of its own: ask for Way.CABLE")
        return self.laid

    def open(self, path: str = "/", *, until_client_runs: bool = True) -> None:
        """Open a page of the site in the current tab; its client, if it has one, comes after it.

        A form that is sent earlier is posted plainly, as it should be (P7).
        """
        self.driver.get(self.url + path)
        if until_client_runs:
            wait_until(lambda: self.driver.execute_script(IS_COMPLETE_SCRIPT), f"the client of {path} runs")


@contextmanager
def staged(
    make_browser: Callable[[Path], Browser],
    way: Way,
    *,
    template: Path | None,
    environment: Mapping[str, str],
    make_site: Callable[..., Site] = Site,
) -> Iterator[Stage]:
    """Set everything up, and leave neither process nor namespace nor file behind."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="offlinesync-browser-")))
        network = None
        # Where root allows, each browser is in a network of its own: nothing it wants from elsewhere gets out.
        if missing_for_network() is None:
            network = Network()
            stack.callback(network.close)
        here = network.browser if network else Namespace()
        there = network.site if network and way is Way.CABLE else here
        site = make_site(directory, there, template=template, **environment)
        stack.callback(site.kill)
        site.launch()
        url, proxy = site.url, None
        if way is not Way.DIRECT:
            destination = ("127.0.0.1", site.port)
            if way is Way.CABLE:
                relay = Relay(there, (SITE_ADDRESS, 0), destination)
                stack.callback(relay.close)
                destination = (SITE_ADDRESS, relay.port)
            proxy = Proxy(here, destination)
            stack.callback(proxy.close)
            url = proxy.url
        stack.enter_context(here.entered())
        browser = make_browser(directory)
        stack.callback(browser.kill)
        browser.start()
        site.wait()
        yield Stage(browser, site, url, proxy, network)
