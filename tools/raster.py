"""A picture in pixels, for places that take no SVG: shapes as distance functions -> an anti-aliased PNG.

A shape answers how far a point is from its edge (negative inside). A pixel's coverage is that distance, cut to 0 to 1.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

Colour = tuple[int, int, int]
Distance = Callable[[float, float], float]
Box = tuple[float, float, float, float]

SHADES = 10  # steps from nothing to full at an edge: few enough for one palette, enough for the eye


class Canvas:
    """A sheet of one colour, to be painted on."""

    def __init__(self, width: int, height: int, colour: str) -> None:
        self.width, self.height = width, height
        self.pixels = bytearray(bytes(rgb(colour)) * (width * height))

    def paint(self, where: Box, distance: Distance, colour: str) -> None:
        """Paint the shape in `where` (left, top, right, bottom), which must hold all of it."""
        left, top = max(0, math.floor(where[0]) - 1), max(0, math.floor(where[1]) - 1)
        right, bottom = min(self.width, math.ceil(where[2]) + 1), min(self.height, math.ceil(where[3]) + 1)
        red, green, blue = rgb(colour)
        for y in range(top, bottom):
            for x in range(left, right):
                cover = 0.5 - distance(x + 0.5, y + 0.5)
                if cover > 0:
                    self._blend((y * self.width + x) * 3, min(cover, 1.0), (red, green, blue))

    def _blend(self, place: int, cover: float, colour: Colour) -> None:
        cover = round(cover * SHADES) / SHADES
        for channel in range(3):
            old = self.pixels[place + channel]
            self.pixels[place + channel] = round(old + (colour[channel] - old) * cover)

    def disc(self, x: float, y: float, radius: float, colour: str) -> None:
        """A filled circle."""
        box = (x - radius, y - radius, x + radius, y + radius)
        self.paint(box, lambda px, py: math.hypot(px - x, py - y) - radius, colour)

    def ring(self, x: float, y: float, radius: float, width: float, colour: str) -> None:
        """A circle drawn with a pen."""
        reach = radius + width
        box = (x - reach, y - reach, x + reach, y + reach)
        self.paint(box, lambda px, py: abs(math.hypot(px - x, py - y) - radius) - width / 2, colour)

    def stroke(self, points: Sequence[tuple[float, float]], width: float, colour: str) -> None:
        """A line through points, with round ends and joints."""
        xs, ys = [x for x, _ in points], [y for _, y in points]
        box = (min(xs) - width, min(ys) - width, max(xs) + width, max(ys) + width)
        pieces = list(pairwise(points))
        self.paint(box, lambda px, py: min(segment(px, py, *a, *b) for a, b in pieces) - width / 2, colour)

    def teeth(self, x: float, y: float, inner: float, outer: float, count: int, colour: str) -> None:
        """The notches of a coin's edge between two radii."""
        middle, half = (inner + outer) / 2, (outer - inner) / 2

        def distance(px: float, py: float) -> float:
            radius = math.hypot(px - x, py - y)
            turn = (math.atan2(py - y, px - x) / math.tau * count) % 1 - 0.5
            return max(abs(radius - middle) - half, (abs(turn) - 0.23) * math.tau * radius / count)

        self.paint((x - outer, y - outer, x + outer, y + outer), distance, colour)

    def png(self) -> bytes:
        """The sheet as a PNG with a palette. Raises ValueError for more than 256 colours."""
        triples = [bytes(self.pixels[at : at + 3]) for at in range(0, len(self.pixels), 3)]
        palette = sorted(set(triples))
        if len(palette) > 256:
            raise ValueError(f"{len(palette)} colours: paint fewer shapes on top of each other")
        index = {colour: place for place, colour in enumerate(palette)}
        rows = bytearray()
        for top in range(0, len(triples), self.width):
            rows += b"\0" + bytes(index[colour] for colour in triples[top : top + self.width])
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 3, 0, 0, 0)
        parts = (
            (b"IHDR", header),
            (b"PLTE", b"".join(palette)),
            (b"IDAT", zlib.compress(bytes(rows), 9)),
            (b"IEND", b""),
        )
        return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


def rgb(colour: str) -> Colour:
    """#rrggbb as three numbers."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def segment(px: float, py: float, x1: float, y1: float, x2: float, y2: float) -> float:
    """How far a point is from a straight piece."""
    dx, dy = x2 - x1, y2 - y1
    length = dx * dx + dy * dy
    along = 0.0 if not length else max(0.0, min(1.0, ((px - x1) * dx + (py - y1) * dy) / length))
    return math.hypot(px - x1 - along * dx, py - y1 - along * dy)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def arc(x: float, y: float, radius: float, start: float, end: float, squeeze: float = 1) -> list[tuple[float, float]]:
    """Points on a circle (or an ellipse, `squeeze` as high as wide), in degrees clockwise from three o'clock."""
    steps = max(2, round(abs(end - start) / 7))
    turns = (math.radians(start + (end - start) * step / steps) for step in range(steps + 1))
    return [(x + radius * math.cos(turn), y + radius * squeeze * math.sin(turn)) for turn in turns]


# Letters drawn with one pen, one unit high above the line 0: their width, and their strokes.
LETTERS: dict[str, tuple[float, list[list[tuple[float, float]]]]] = {
    "N": (0.72, [[(0, 0), (0, -1), (0.72, 0), (0.72, -1)]]),
    "i": (0.0, [[(0, 0), (0, -0.66)], [(0, -0.93), (0, -0.94)]]),
    "c": (0.52, [arc(0.33, -0.33, 0.33, -48, -312)]),
    "h": (0.5, [[(0, 0), (0, -1)], [*arc(0.25, -0.41, 0.25, -180, 0), (0.5, 0)]]),
    "o": (0.66, [arc(0.33, -0.33, 0.33, 0, 360)]),
    "l": (0.0, [[(0, 0), (0, -1)]]),
    "s": (0.4, [[*arc(0.2, -0.49, 0.17, -25, -270), *arc(0.2, -0.16, 0.17, -80, 160)]]),
    "W": (1.06, [[(0, -1), (0.27, 0), (0.53, -0.86), (0.79, 0), (1.06, -1)]]),
    "D": (0.74, [[(0, 0), (0, -1), (0.26, -1), *arc(0.26, -0.5, 0.48, -90, 90, 0.5 / 0.48), (0.26, 0), (0, 0)]]),
    " ": (0.22, []),
}


def lettering(canvas: Canvas, x: float, y: float, text: str, *, height: float, pen: float, colour: str) -> float:
    """Write text with the left of its first letter at x and its line at y; returns where it ends."""
    for letter in text:
        width, strokes = LETTERS[letter]
        for points in strokes:
            canvas.stroke([(x + px * height, y + py * height) for px, py in points], pen, colour)
        x += (width + 0.24) * height
    return x - 0.24 * height


def lattice(canvas: Canvas, dots: Iterable[tuple[float, float, float]], colour: str) -> None:
    """Dots: x, y and radius of each."""
    for x, y, radius in dots:
        canvas.disc(x, y, radius, colour)
