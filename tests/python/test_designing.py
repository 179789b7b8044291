"""The page for designers names all there is and nothing else, and the default looks can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import offlinesync
from tests.docs import DOCS

PACKAGE = Path(offlinesync.__file__).parent
TEMPLATES = sorted((PACKAGE / "templates" / "offlinesync").glob("*.html"))
SCRIPTS = [
    *(PACKAGE / "static" / "offlinesync").glob("*.js"),
    *(PACKAGE / "templates" / "offlinesync").glob("*.js"),
]
STYLES = (PACKAGE / "static" / "offlinesync" / "offlinesync.css").read_text(encoding="utf-8")
MARKUP = "\n".join(path.read_text(encoding="utf-8") for path in TEMPLATES)
CODE = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
# Without the example, which names what is its own.
PAGE = re.sub(r"^```.*?^```$", "", (DOCS / "designing.md").read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
NAME = r"[a-z]+(?:-[a-z]+)*"
WORDS, GRAPHICS = 4.5, 3.0
CONTRASTS = {
    ("ink", "surface"): WORDS,
    ("muted", "surface"): WORDS,
    ("error", "surface"): WORDS,
    ("accent", "surface"): WORDS,
    ("on-accent", "accent"): WORDS,
    ("notice-ink", "notice"): WORDS,
    ("accent", "notice"): GRAPHICS,
    ("error", "notice"): GRAPHICS,
}


def found(pattern: str, text: str) -> set[str]:
    return set(re.findall(pattern, text))


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> Iterator[list[str]]:
    """The cells of the tables in a section, without their heads."""
    for line in section(title).splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split(" |")]


def in_quotes(cell: str) -> set[str]:
    return found(r"`([^`]+)`", cell)


def attributes_in_scripts() -> set[str]:
    """Those that a script reads as `dataset.offlinesyncTimeZone`."""
    names = found(r"\boffline[s]ync([A-Z]\w*)", CODE)
    return {re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower() for name in names}


def test_every_template_is_named_with_its_blocks():
    there = {path.name: found(r"{% block (\w+) %}", path.read_text(encoding="utf-8")) for path in TEMPLATES}
    named = {cells[0].strip("`").removeprefix("offlinesync/"): in_quotes(cells[2]) for cells in rows("Templates")}
    assert named == there


def test_every_part_is_named():
    named = set().union(*(in_quotes(cells[0]) for cells in rows("Parts")))
    assert named == found(r'data-offlinesync-template="([^"]+)"', MARKUP)


def test_every_class_is_named():
    there = {
        name for names in found(r'class="([^"]+)"', MARKUP) for name in names.split() if name[:11] == "offlinesync"
    }
    assert found(rf"`\.(offlinesync-{NAME})`", PAGE) == there
    assert found(rf"\.(offlinesync-{NAME})", STYLES) <= there


def test_every_variable_is_named():
    named = set().union(*(in_quotes(cells[0]) for cells in rows("Variables")))
    assert named == found(rf"--offlinesync-{NAME}", STYLES)


def test_every_attribute_is_named():
    there = found(rf"data-offlinesync-({NAME})", MARKUP + CODE + STYLES) | attributes_in_scripts()
    assert found(rf"`data-offlinesync-({NAME})`", PAGE) == there


def test_every_event_is_named():
    named = set().union(*(in_quotes(cells[0]) for cells in rows("Events")))
    assert named == found(r'CustomEvent\("(offlinesync:\w+)"', CODE)


def test_every_action_of_a_button_is_named():
    (cell,) = (cells[2] for cells in rows("Attributes") if cells[0] == "`data-offlinesync-action`")
    assert in_quotes(cell) == found(r'data-offlinesync-action="([^"]+)"', MARKUP)


def test_the_style_sheet_styles_nothing_of_the_site():
    rules = re.sub(r"/\*.*?\*/", "", STYLES, flags=re.DOTALL)
    (layer,) = re.findall(r"\A\s*@layer offlinesync \{(.*)\}\s*\Z", rules, re.DOTALL)
    preludes = [prelude.strip() for prelude in re.findall(r"([^{};]+)\{", layer)]
    selectors = [text for text in preludes if not text.startswith("@") and text not in (":root", "to")]
    assert selectors
    # What stands in the brackets of :is() begins with one of ours, or follows one of ours.
    outside = [text for text in selectors for each in re.split(r",(?![^(]*\))", text) if not begins_with_ours(each)]
    assert outside == []
    root = re.findall(r":root \{([^}]*)\}", layer)
    assert all(
        line.strip().startswith("--offlinesync-") for block in root for line in block.split(";") if line.strip()
    )
    assert "!important" not in layer


def begins_with_ours(selector: str) -> bool:
    first = selector.strip()
    if first.startswith(":is("):
        return all(each.strip().startswith(".offlinesync-") for each in first[4:].split(")")[0].split(","))
    return first.startswith((".offlinesync-", "[data-offlinesync-"))


def test_sides_are_those_of_the_language():
    side = "(?:left|right|top|bottom)"
    physical = rf"\b(?:margin|padding|border|inset)-{side}\b|(?<![-\w])(?:width|height|{side}):"
    assert found(physical, STYLES) == set()


def colors(scheme: int) -> dict[str, str]:
    pairs = re.findall(r"--offlinesync-([a-z-]+): light-dark\((#\w{6}), (#\w{6})\);", STYLES)
    return {name: (light, dark)[scheme] for name, light, dark in pairs}


def luminance(color: str) -> float:
    parts = [int(color[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_words_stand_out_in_both_schemes(scheme):
    color = colors(scheme)
    low = {pair: contrast(*(color[name] for name in pair)) for pair in CONTRASTS}
    assert {pair: ratio for pair, ratio in low.items() if ratio < CONTRASTS[pair]} == {}


def test_a_browser_without_light_dark_has_the_light_colors():
    plain = dict(re.findall(r"--offlinesync-([a-z-]+): (#\w{6});", STYLES))
    assert plain == colors(0)
