"""The coin -> the theme's icon: `templates/assets/icon.svg`, and `icon.png` for those who cannot read SVG.

A coin seen from the side: the face in verdigris, the reeded edge in copper. Run it again after a change:
`python tools/draw_icon.py`. It needs Pillow, which Obverse has anyway; the picture is drawn large and made smaller.
"""

from __future__ import annotations

import math
from pathlib import Path

from PIL import Image, ImageDraw

ASSETS = Path(__file__).resolve().parent.parent / "templates" / "assets"

# On a field of 32 by 32: the face's middle, its radii, how thick the coin is, and the ring on its face.
MIDDLE = (13.0, 16.0)
RADII = (10.5, 14.5)
THICK = 6.0
RING = (7.2, 11.0)
RING_WIDTH = 1.7
REEDS = 13

FACE, EDGE, REED, LIGHT, PAPER = "#2b7a70", "#a9633c", "#6d3a1f", "#f4efe4", "#fbf9f4"
TOUCH = 180  # pixels of the icon on a telephone's home screen
FINER = 8  # drawn so many times larger


def reeds() -> list[tuple[float, float]]:
    """Where the reeds begin at the face's rim: close together above and below, wide in the middle."""
    (x, y), (across, up) = MIDDLE, RADII
    angles = [math.pi * (number + 0.5) / REEDS - math.pi / 2 for number in range(REEDS)]
    return [(round(x + across * math.cos(one), 2), round(y + up * math.sin(one), 2)) for one in angles[1:-1]]


def svg() -> str:
    """The icon as SVG, a line for each part."""
    (x, y), (across, up) = MIDDLE, RADII
    lines = "".join(f"M{left:g} {at:g}h{THICK:g}" for left, at in reeds())
    ring = f'rx="{RING[0]:g}" ry="{RING[1]:g}" fill="none" stroke="{LIGHT}" stroke-width="{RING_WIDTH:g}"'
    return "\n".join(
        (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">',
            f'<path fill="{EDGE}" d="M{x:g} {y - up:g}h{THICK:g}a{across:g} {up:g} 0 0 1 0 {2 * up:g}h-{THICK:g}z"/>',
            f'<path stroke="{REED}" stroke-width=".6" d="{lines}"/>',
            f'<ellipse cx="{x:g}" cy="{y:g}" rx="{across:g}" ry="{up:g}" fill="{FACE}"/>',
            f'<ellipse cx="{x:g}" cy="{y:g}" {ring}/>',
            "</svg>",
            "",
        )
    )


def png(path: Path) -> None:
    """The icon on paper, with room around it, as telephones want it."""
    side = TOUCH * FINER
    scale = side / 32 * 0.72
    image = Image.new("RGB", (side, side), PAPER)
    draw = ImageDraw.Draw(image)

    def at(x: float, y: float) -> tuple[float, float]:
        return (side / 2 + (x - 16) * scale, side / 2 + (y - 16) * scale)

    def oval(x: float, y: float, across: float, up: float, **how: object) -> None:
        draw.ellipse((*at(x - across, y - up), *at(x + across, y + up)), **how)  # type: ignore[arg-type]

    (x, y), (across, up) = MIDDLE, RADII
    oval(x + THICK, y, across, up, fill=EDGE)
    draw.rectangle((*at(x, y - up), *at(x + THICK, y + up)), fill=EDGE)
    for left, height in reeds():
        draw.line((*at(left, height), *at(left + THICK, height)), fill=REED, width=round(0.6 * scale))
    oval(x, y, across, up, fill=FACE)
    half = RING_WIDTH / 2
    oval(x, y, RING[0] + half, RING[1] + half, outline=LIGHT, width=round(RING_WIDTH * scale))
    image.resize((TOUCH, TOUCH), Image.Resampling.LANCZOS).quantize(64).save(path, optimize=True)


if __name__ == "__main__":
    (ASSETS / "icon.svg").write_text(svg(), encoding="utf-8", newline="\n")
    png(ASSETS / "icon.png")
