"""What Chromium tells a screen reader of what the app has put on the page: its accessibility tree as lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from selenium.webdriver.remote.webdriver import WebDriver

# All that the app adds to a page, in the order in which it stands there.
PARTS = (
    "[data-offlinesync-status], [data-offlinesync-entries], .offlinesync-drafts, .offlinesync-leaving, "
    ".offlinesync-age, .errorlist, main form [aria-invalid=true]"
)
# They are told by their names alone.
WHOLE = {"button", "link", "textbox", "heading", "progressbar", "DisclosureTriangle"}
NAMED = {*WHOLE, "alert", "dialog", "list", "status"}
MARKUP = {"strong", "time", "generic", "none", "LabelText"}
TEXT = "StaticText"
TOLD = ("live", "expanded", "invalid", "modal")
# As every browser writes it in English.
WHEN = re.compile(r"[A-Z][a-z]{2} \d+, \d{4}, \d+:\d\d\s[AP]M|\b\d+:\d\d\s[AP]M")

Node = dict[str, Any]


class Tree:
    """The accessibility tree of the page on the screen."""

    def __init__(self, driver: WebDriver) -> None:
        self.driver = driver
        driver.execute_cdp_cmd("DOM.enable", {})
        nodes = driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        self.nodes: dict[str, Node] = {node["nodeId"]: node for node in nodes}
        self.by_element = {node["backendDOMNodeId"]: node for node in nodes if "backendDOMNodeId" in node}

    def find(self, selector: str) -> list[Node]:
        """The nodes of the elements that a selector finds, in the order of the page."""
        root = self.driver.execute_cdp_cmd("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
        query = {"nodeId": root, "selector": selector}
        found = self.driver.execute_cdp_cmd("DOM.querySelectorAll", query)["nodeIds"]
        elements = [self.driver.execute_cdp_cmd("DOM.describeNode", {"nodeId": each})["node"] for each in found]
        return [
            self.by_element[each["backendNodeId"]] for each in elements if each["backendNodeId"] in self.by_element
        ]

    def lines(self) -> list[str]:
        """What is read of the app's parts, a line for each control and each sentence."""
        return [line for node in self.find(PARTS) for line in self.read(node)]

    def read(self, node: Node) -> Iterator[str]:
        """The lines of a node and of what is in it."""
        role = role_of(node)
        if not node.get("ignored") and role in NAMED:
            yield told(node)
        if role in WHOLE:
            return
        words: list[str] = []
        for child in self.children(node):
            if self.is_markup(child):
                words.append(self.text(child))
                continue
            yield from sentence(words)
            words = []
            yield from self.read(child)
        yield from sentence(words)

    def is_markup(self, node: Node) -> bool:
        """Whether it is text, or does no more than mark up text."""
        return role_of(node) == TEXT or (
            role_of(node) in MARKUP and all(self.is_markup(child) for child in self.children(node))
        )

    def text(self, node: Node) -> str:
        """All that is written in it."""
        return name_of(node) if role_of(node) == TEXT else " ".join(map(self.text, self.children(node)))

    def children(self, node: Node) -> list[Node]:
        """What is in a node, as far as the tree has it."""
        return [self.nodes[key] for key in node.get("childIds", []) if key in self.nodes]


def sentence(words: list[str]) -> Iterator[str]:
    """A line of its own for what is written there."""
    text = " ".join(" ".join(words).split())
    if text:
        yield f'"{WHEN.sub("…", text)}"'


def role_of(node: Node) -> str:
    """The role, as Chromium computes it."""
    return str(node.get("role", {}).get("value", ""))


def name_of(node: Node) -> str:
    """The name, as Chromium computes it."""
    return str(node.get("name", {}).get("value", ""))


def properties_of(node: Node) -> dict[str, Any]:
    """What else is said of it."""
    return {each["name"]: each["value"].get("value") for each in node.get("properties", [])}


def told(node: Node) -> str:
    """A node in one line: its role, its name, what it is described by, and what is true of it."""
    properties = properties_of(node)
    said = [role_of(node)]
    if name := " ".join(name_of(node).split()):
        said.append(f'"{WHEN.sub("…", name)}"')
    if description := node.get("description", {}).get("value"):
        said.append(f'described by "{" ".join(description.split())}"')
    said += [f"{key}={properties[key]}" for key in TOLD if str(properties.get(key, "")) not in ("", "off", "false")]
    return " ".join(said)
