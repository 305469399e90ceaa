"""Pens for the drawn pictures: numbers -> SVG text.

Everything is drawn with presentation attributes, so that a page's Content-Security-Policy has nothing to object to, and
with coordinates of one decimal, so that the same call gives the same bytes everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

PAPER = "#f5f0e5"
RAISED = "#fbf8f1"
LINE = "#d3c9b6"
SOFT = "#8d8878"
INK = "#23292a"
METAL = "#2f7f6f"
METAL_DEEP = "#1f5a4f"
METAL_PALE = "#b9d3c9"
VALUE = "#a9642f"
VALUE_PALE = "#e3c7a8"
SERIF = "Charter, 'Bitstream Charter', 'Sitka Text', Cambria, Georgia, serif"

Point = tuple[float, float]


def number(value: float) -> str:
    """A coordinate: at most one decimal, never "-0"."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")


def tag(name: str, *inside: str, **attributes: object) -> str:
    """One element. `stroke_width=2` becomes `stroke-width="2"`; an attribute that is None is left out."""
    written = "".join(
        f' {key.replace("_", "-")}="{number(value) if isinstance(value, int | float) else escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{''.join(inside)}</{name}>" if inside else f"<{name}{written}/>"


def group(*inside: str, **attributes: object) -> str:
    """Elements under common attributes."""
    return tag("g", *inside, **attributes)


def sheet(width: int, height: int, title: str, description: str, *inside: str) -> str:
    """A whole picture on its own paper, so that it stands on a dark page as well."""
    body = (
        tag("title", escape(title, quote=False)),
        tag("desc", escape(description, quote=False)),
        tag("rect", width=width, height=height, fill=PAPER),
        *inside,
    )
    return (
        tag("svg", "\n", "\n".join(body), "\n", xmlns="http://www.w3.org/2000/svg", width=width, height=height,
            viewBox=f"0 0 {width} {height}", role="img")
        + "\n"
    )  # fmt: skip


def at(x: float, y: float, turn: float = 0) -> str:
    """A `transform` that moves to a point, and turns there by `turn` degrees."""
    return f"translate({number(x)} {number(y)})" + (f" rotate({number(turn)})" if turn else "")


def polar(radius: float, degrees: float, x: float = 0, y: float = 0) -> Point:
    """The point at a distance and a direction (clockwise from three o'clock) from x, y."""
    angle = math.radians(degrees)
    return x + radius * math.cos(angle), y + radius * math.sin(angle)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: object) -> str:
    """A straight stroke."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def disc(x: float, y: float, radius: float, **attributes: object) -> str:
    """A circle."""
    return tag("circle", cx=x, cy=y, r=radius, **attributes)


def box(x: float, y: float, width: float, height: float, **attributes: object) -> str:
    """A rectangle."""
    return tag("rect", x=x, y=y, width=width, height=height, **attributes)


def path(d: str, **attributes: object) -> str:
    """A path without filling, unless one is asked for."""
    return tag("path", d=d, **{"fill": "none", **attributes})


def polyline(points: Iterable[Point], *, closed: bool = False) -> str:
    """Path data through points, straight."""
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points) + ("Z" if closed else "")


def smooth(points: Sequence[Point], *, closed: bool = False) -> str:
    """Path data through points, rounded as a pen would (Catmull-Rom as cubic Béziers)."""
    count = len(points)

    def point(index: int) -> Point:
        return points[index % count] if closed else points[min(max(index, 0), count - 1)]

    parts = [f"M{number(points[0][0])} {number(points[0][1])}"]
    for index in range(count if closed else count - 1):
        before, start, end, after = (point(index + step) for step in (-1, 0, 1, 2))
        handles = (
            (start[0] + (end[0] - before[0]) / 6, start[1] + (end[1] - before[1]) / 6),
            (end[0] - (after[0] - start[0]) / 6, end[1] - (after[1] - start[1]) / 6),
            end,
        )
        parts.append("C" + " ".join(f"{number(x)} {number(y)}" for x, y in handles))
    return "".join(parts) + ("Z" if closed else "")


def wedge(inner: float, outer: float, start: float, end: float) -> str:
    """Path data for a piece of a ring around 0, 0, between two directions in degrees."""
    large = 1 if end - start > 180 else 0
    corners = [polar(outer, start), polar(outer, end), polar(inner, end), polar(inner, start)]
    a, b, c, d = (f"{number(x)} {number(y)}" for x, y in corners)
    far, near = number(outer), number(inner)
    return f"M{a}A{far} {far} 0 {large} 1 {b}L{c}A{near} {near} 0 {large} 0 {d}Z"


def hatch(name: str, gap: float, colour: str, *, turn: float = 45, width: float = 1.5) -> str:
    """A pattern of parallel strokes, to be used as `fill="url(#name)"`."""
    stroke = line(0, 0, 0, gap, stroke=colour, stroke_width=width * 2)
    return tag(
        "pattern",
        stroke,
        id=name,
        width=gap,
        height=gap,
        patternUnits="userSpaceOnUse",
        patternTransform=f"rotate({number(turn)})",
    )


def rosette(name: str, radius: float, depth: float, petals: int, copies: int, **attributes: object) -> str:
    """Engine turning, as on a banknote: one waved ring around 0, 0, drawn again and again with a small turn."""
    steps = petals * 4  # crest, middle, trough, middle: the rounding does the rest
    ring = [polar(radius + depth * math.sin(math.tau * petals * i / steps), 360 * i / steps) for i in range(steps)]
    first = path(smooth(ring, closed=True), id=name)
    rest = (tag("use", href=f"#{name}", transform=f"rotate({360 * i / petals / copies:.3f})") for i in range(1, copies))
    return group(first, *rest, **attributes)


def milled(radius: float, depth: float, notches: int, colour: str) -> str:
    """The reeded edge of a coin around 0, 0: notches between two fine rings."""
    unit = math.tau * (radius - depth / 2) / notches
    teeth = tag(
        "circle", r=radius - depth / 2, fill="none", stroke=colour, stroke_width=depth,
        stroke_dasharray=f"{unit * 0.45:.3f} {unit * 0.55:.3f}",
    )  # fmt: skip
    rings = (tag("circle", r=one, fill="none", stroke=colour, stroke_width=2) for one in (radius, radius - depth))
    return group(teeth, *rings)


def coin(x: float, y: float, radius: float, colour: str, *inside: str, notches: int = 0) -> str:
    """A coin: raised paper, milled edge, and whatever is struck into it."""
    body = tag("circle", r=radius, fill=RAISED)
    return group(
        body, milled(radius, radius * 0.07, notches or round(radius * 0.6), colour), *inside, transform=at(x, y)
    )


def words(
    x: float, y: float, text: str, *, size: float = 22, colour: str = INK, anchor: str = "middle", **more: object
) -> str:
    """A line of lettering; never smaller than 14."""
    style = {"font_family": SERIF, "font_size": max(size, 14), "fill": colour, "text_anchor": anchor}
    return tag("text", escape(text, quote=False), x=x, y=y, **{**style, **more})


def arrow(x: float, y: float, degrees: float, colour: str, size: float = 12) -> str:
    """An arrowhead whose tip is at x, y, pointing in a direction."""
    wings = [(0.0, 0.0), (-1.5 * size, -0.7 * size), (-1.1 * size, 0.0), (-1.5 * size, 0.7 * size)]
    return path(polyline(wings, closed=True), fill=colour, transform=at(x, y, degrees))
