"""The picture that is shown where a page of the site is shared: 1200 by 630 pixels."""

from __future__ import annotations

import math

from engraving import INK, METAL, PAPER, RAISED, VALUE
from raster import Canvas, lattice, lettering


def share() -> bytes:
    """The crowd, the coin and the one, as in the first article's picture, with the firm's name."""
    canvas = Canvas(1200, 630, PAPER)
    x, y, radius = 340.0, 315.0, 218.0
    crowd = []
    for row in range(15):
        for column in range(9):
            dot_x, dot_y = 22 + column * 45 + (row % 2) * 22, row * 45
            if dot_x < x and math.hypot(dot_x - x, dot_y - y) > radius + 20:
                crowd.append((dot_x, dot_y, 3 + 3 * dot_x / x))
    lattice(canvas, [(dot_x, float(dot_y), size) for dot_x, dot_y, size in crowd], METAL)
    canvas.disc(x, y, radius, RAISED)
    canvas.teeth(x, y, radius - 15, radius, 150, INK)
    for edge in (radius, radius - 15):
        canvas.ring(x, y, edge, 2, INK)
    for step in range(13):
        half(canvas, x - 5, y, 34 + step * 13, left=True)
        half(canvas, x + 5, y, 34 + step * 13, left=False)
    canvas.stroke([(x + radius, y + 74), (1084, y + 74)], 3, VALUE)
    canvas.ring(1120, y + 74, 34, 3, VALUE)
    canvas.disc(1120, y + 74, 14, VALUE)
    lettering(canvas, 614, y + 6, "Nichols WD", height=73, pen=8, colour=INK)
    return canvas.png()


def half(canvas: Canvas, x: float, y: float, radius: float, *, left: bool) -> None:
    """Half a ring, struck into one side of the coin."""
    reach = radius + 2
    side = (x - reach, y - reach, x, y + reach) if left else (x, y - reach, x + reach, y + reach)

    def distance(px: float, py: float) -> float:
        beyond = px - x if left else x - px
        return max(abs(math.hypot(px - x, py - y) - radius) - 1.4, beyond)

    canvas.paint(side, distance, METAL if left else VALUE)
