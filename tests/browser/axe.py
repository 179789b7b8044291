"""axe-core, the usual judge of a page's accessibility, on the page that is on the screen."""

from __future__ import annotations

from functools import cache

from selenium.webdriver.remote.webdriver import WebDriver

from .site import ROOT

SOURCE = ROOT / "tests/node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN_SCRIPT = """
const [tags, done] = arguments;
axe.run(document, { runOnly: tags, resultTypes: ["violations", "incomplete"] }).then(
  ({ violations, incomplete, passes }) => done({ violations, incomplete, passes: passes.length }),
  (error) => done(String(error)),
);
"""


@cache
def source() -> str:
    """axe-core as npm has brought it."""
    return SOURCE.read_text()


def findings(driver: WebDriver) -> dict[str, list[str]]:
    """What axe-core finds: `violations`, and `incomplete`, what somebody has to look at."""
    if not driver.execute_script("return 'axe' in window"):
        # WebDriver's scripts stand outside of the page's policy.
        driver.execute_script(source())
    found = driver.execute_async_script(RUN_SCRIPT, TAGS)
    assert isinstance(found, dict), found
    assert found["passes"], "it has looked at something"
    return {
        kind: [
            f"{rule['id']}: {node['html'][:120]} {node['failureSummary']}"
            for rule in found[kind]
            for node in rule["nodes"]
        ]
        for kind in ("violations", "incomplete")
    }
