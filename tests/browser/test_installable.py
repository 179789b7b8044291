"""The demo can be installed: what Chromium itself says of its manifest, and what the installed app would open."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urljoin

from selenium.webdriver.common.by import By

from . import pages, proxy
from .pages import LIST
from .stage import Stage

# As wide and high as it is drawn, and what the site says that it is.
ICON_SCRIPT = """
const [url, done] = arguments;
(async () => {
  const response = await fetch(url);
  const picture = await createImageBitmap(await response.blob());
  return { sizes: `${picture.width}x${picture.height}`, type: response.headers.get("Content-Type") };
})().then(done, (error) => done(String(error)));
"""


def app_manifest(stage: Stage) -> tuple[str, dict[str, Any]]:
    """The manifest that Chromium has read, and where it lies; it must have found nothing wrong in it."""
    told = stage.driver.execute_cdp_cmd("Page.getAppManifest", {})
    assert told["errors"] == []
    return str(told["url"]), dict(json.loads(told["data"]))


def test_the_demo_can_be_installed(stage: Stage) -> None:
    """In an ordinary profile, which all of these tests have: that a window is private would be named as an error."""
    pages.keep_pages(stage)
    assert stage.driver.execute_cdp_cmd("Page.getInstallabilityErrors", {}) == {"installabilityErrors": []}
    url, manifest = app_manifest(stage)
    assert (manifest["name"], manifest["display"]) == ("Far Afield", "standalone")
    shortcut, observation = manifest["shortcuts"]
    icons = [*manifest["icons"], *shortcut["icons"], *observation["icons"]]
    assert [icon["sizes"] for icon in manifest["icons"] if icon.get("purpose", "any") == "any"] == [
        "512x512",
        "192x192",
    ]
    for icon in icons:
        there = stage.driver.execute_async_script(ICON_SCRIPT, urljoin(url, icon["src"]))
        assert there == {"sizes": icon["sizes"], "type": icon["type"]}

    # What the installed app opens is there with no network as well.
    stage.proxy.on(None, proxy.refuse)
    stage.driver.get(urljoin(url, manifest["start_url"]))
    assert stage.driver.title == "Posts"
    stage.driver.get(urljoin(url, shortcut["url"]))
    assert stage.driver.title == shortcut["name"]
    assert stage.driver.find_elements(By.CSS_SELECTOR, "form[data-offlinesync-form=post]")
    pages.write_post(stage, "From the shortcut")
    pages.wait_for_saved(stage, waiting=1)
    stage.open("/posts/1/")
    assert stage.driver.title == "Offline"
    assert stage.driver.find_element(By.LINK_TEXT, "Write a post").get_property("href") == urljoin(
        url, shortcut["url"]
    )
    stage.proxy.heal()
    stage.open(LIST)
    pages.wait_for_post(stage, "From the shortcut")
