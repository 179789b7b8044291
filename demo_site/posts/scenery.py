"""Small landscapes for the seeded posts, drawn here so that the demo ships no pictures."""

import io
import math

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]

SIZE = (1200, 800)


def draw(*, sky: Colour, horizon: Colour, land: Colour, sun: tuple[float, float], roughness: float) -> bytes:
    """A JPEG of layered hills under a low sun; ``sun`` is its place in fractions of the picture."""
    width, height = SIZE
    picture = Image.linear_gradient("L").resize(SIZE)
    picture = Image.composite(Image.new("RGB", SIZE, horizon), Image.new("RGB", SIZE, sky), picture)
    canvas = ImageDraw.Draw(picture)
    x, y, radius = sun[0] * width, sun[1] * height, height / 14
    canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_mix(horizon, (255, 250, 230), 0.75))
    for layer in range(5):
        outline = [(x, _ridge(x / width, layer, roughness) * height) for x in range(0, width + 4, 4)]
        canvas.polygon([(0, height), *outline, (width, height)], fill=_mix(horizon, land, (layer + 1) / 5))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85)
    return file.getvalue()


def _ridge(x: float, layer: int, roughness: float) -> float:
    waves = sum(math.sin(x * 2.3 * n**1.7 + layer * 2.1 + n * roughness * 3) / n**1.25 for n in range(1, 9))
    return 0.48 + layer * 0.11 - waves * 0.07 * roughness


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue
