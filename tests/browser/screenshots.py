"""Takes a picture of every state, wide and narrow, light and dark, and makes the pictures of the docs of them.

`python -m tests.browser.screenshots` takes all, and with names of states only these.
"""

from __future__ import annotations

import base64
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw

from . import states
from .engines import browser_maker
from .site import ROOT, prepare
from .stage import Stage, Way, staged

FOLDER = ROOT / ".screenshots"
IMAGES = ROOT / "docs/images"
TALLEST = 2000
# What README.md shows: the state, how wide and in which colours it is, and how much of its height is shown.
PICTURES = {
    "saved-desktop": ("saved_and_waiting", "desktop", "light", 800),
    "saved-phone": ("saved_and_waiting", "phone", "light", 800),
    "refused-desktop": ("needing_attention", "desktop", "light", 800),
    "changed-desktop": ("mine_and_theirs", "desktop", "dark", 800),
    "pending-phone": ("pending_in_the_list", "phone", "dark", 800),
}
COLOURS = 192
COLUMNS = 5
THUMBNAIL = 210
DESKTOP, PHONE, LABEL, GAP = 280, 94, 22, 12


def take(stage: Stage, state: str) -> None:
    """Take the pictures of a state."""
    states.show(stage, state)
    for scheme in states.SCHEMES:
        for kind, width in states.WIDTHS.items():
            states.look(stage.driver, width, scheme)
            whole = stage.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]["height"]
            clip = {"x": 0, "y": 0, "width": width, "height": min(whole, TALLEST), "scale": 1}
            options = {"format": "png", "captureBeyondViewport": True, "clip": clip}
            picture = stage.driver.execute_cdp_cmd("Page.captureScreenshot", options)["data"]
            file_of(state, kind, scheme).write_bytes(base64.b64decode(picture))


def file_of(state: str, kind: str, scheme: str) -> Path:
    """Where a picture lies."""
    return FOLDER / f"{state}-{kind}-{scheme}.png"


def top_of(state: str, kind: str, scheme: str, height: int) -> Image.Image:
    """The upper part of a picture, as high as it is wanted."""
    picture = Image.open(file_of(state, kind, scheme)).convert("RGB")
    cut = Image.new("RGB", (picture.width, height), picture.getpixel((2, picture.height - 2)))
    cut.paste(picture)
    return cut


def write(picture: Image.Image, name: str) -> None:
    """Write a picture of the docs, in few colours."""
    file = io.BytesIO()
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    (IMAGES / f"{name}.png").write_bytes(file.getvalue())


def contact_sheet() -> Image.Image:
    """All states on one sheet, each with its name: wide and light, and beside it narrow and dark."""
    cell = (DESKTOP + PHONE + 2 * GAP, THUMBNAIL + LABEL + GAP)
    rows = -(-len(states.STATES) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * cell[0] + GAP, rows * cell[1] + GAP), "#c9cdca")
    canvas = ImageDraw.Draw(sheet)
    for index, state in enumerate(states.STATES):
        left, top = GAP + index % COLUMNS * cell[0], GAP + index // COLUMNS * cell[1]
        canvas.text((left, top), state.replace("_", " "), fill="#1c2a29", font_size=15)
        wide = top_of(state, "desktop", "light", 900).resize((DESKTOP, THUMBNAIL), Image.Resampling.LANCZOS)
        narrow = top_of(state, "phone", "dark", 800).resize((PHONE, THUMBNAIL), Image.Resampling.LANCZOS)
        sheet.paste(wide, (left, top + LABEL))
        sheet.paste(narrow, (left + DESKTOP + GAP // 2, top + LABEL))
    return sheet


def main(wanted: list[str]) -> None:
    """Take the pictures of these states, or of all; the docs' own are made when all are there."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="offlinesync-screenshots-") as directory:
        template = prepare(Path(directory))
        make = browser_maker("chromium", display=str)
        with staged(make, Way.PROXIED, template=template, environment=states.ENVIRONMENT) as stage:
            for state in wanted or states.STATES:
                take(stage, state)
                print(state)
    if wanted:
        return
    for name, (state, kind, scheme, height) in PICTURES.items():
        write(top_of(state, kind, scheme, height), name)
    write(contact_sheet(), "states")


if __name__ == "__main__":
    main(sys.argv[1:])
