"""Lead pictures of paper and coin, 1600 by 900, and of what can be done with them."""

from __future__ import annotations

import random

from engraving import (
    INK,
    LINE,
    METAL,
    METAL_DEEP,
    PAPER,
    RAISED,
    SOFT,
    VALUE,
    Point,
    at,
    box,
    coin,
    disc,
    group,
    hatch,
    line,
    milled,
    path,
    rosette,
    smooth,
    tag,
)
from scenes import scene


def contact_forms() -> str:
    """A form that never ends, and one with three fields."""
    long = [box(0, 0, 420, 1000, fill=RAISED, stroke=SOFT, stroke_width=2.5)]
    for row in range(12):
        y = 40 + row * 80
        long += [
            box(44, y, 70 + (row * 53) % 120, 10, fill=LINE),
            box(44, y + 20, 332, 34, fill="none", stroke=LINE, stroke_width=2.5),
        ]
        if row in {1, 3, 4, 6, 8, 9}:
            bend = row * 37 % 19 - 9
            stroke = [
                (30 + bend, y + 40 - bend),
                (130, y + 30 + bend),
                (240 - bend, y + 42),
                (392 + bend, y + 26 + bend / 2),
            ]
            long.append(path(smooth(stroke), stroke=VALUE, stroke_width=5, stroke_linecap="round"))
    short = [box(0, 0, 500, 610, fill=RAISED, stroke=INK, stroke_width=3)]
    for y, height, label in ((56, 56, 96), (168, 56, 128), (280, 150, 160)):
        short += [
            box(52, y - 6, label, 12, fill=INK),
            box(52, y + 20, 396, height, fill=PAPER, stroke=INK, stroke_width=2.5),
        ]
    ink = {"stroke": METAL_DEEP, "stroke_width": 4, "stroke_linecap": "round"}
    short += [path(scribble(76, 104, 170, 1), **ink), path(scribble(76, 216, 262, 2), **ink)]
    short += [path(scribble(76, 334 + row * 38, width, row + 3), **ink) for row, width in enumerate((330, 300, 140))]
    short += [box(52, 510, 230, 58, fill=METAL), box(92, 534, 150, 10, fill=PAPER)]
    return scene(
        "Two forms",
        "A long form that runs off the picture with half its fields crossed out, and beside it a short one, filled in",
        group(*long, transform="translate(250 -60) rotate(-4 210 500)"),
        group(*short, transform=at(860, 145)),
    )  # fmt: skip


def scribble(x: float, y: float, length: float, seed: int) -> str:
    """Path data for a line of handwriting nobody can read."""
    chance = random.Random(seed)
    points: list[Point] = []
    reach = 0.0
    while reach < length:
        points.append((x + reach, y + (-9 if len(points) % 2 else 7) * (0.4 + chance.random() * 0.8)))
        reach += 6 + chance.random() * 11
    return smooth(points)


def leaf(x: float, y: float, seed: int, colour: str, turn: float = 0) -> str:
    """A small written page around x, y."""
    chance = random.Random(seed)
    rows = [line(-36, -34 + row * 16, -36 + 40 + 32 * chance.random(), -34 + row * 16) for row in range(1, 7)]
    return group(
        box(-54, -76, 108, 152, fill=RAISED, stroke=colour, stroke_width=3),
        line(-36, -50, 14, -50, stroke=colour, stroke_width=7),
        group(*rows, stroke=LINE, stroke_width=4), transform=at(x, y, turn),
    )  # fmt: skip


def which_article_won() -> str:
    """Many pages, a trail through four of them, and a coin at its end."""
    pages = []
    places = [(column, row) for row in range(4) for column in range(8)]
    trail = {(0, 2), (2, 1), (3, 3), (5, 2)}
    spots: dict[tuple[int, int], Point] = {}
    chance = random.Random(11)
    for column, row in places:
        x, y = 110 + column * 198 + 46 * (chance.random() - 0.5), 90 + row * 240 + 50 * (chance.random() - 0.5)
        spots[column, row] = (x, y)
        if (column, row) in trail or (column >= 6 and row in {1, 2}):
            continue
        pages.append(leaf(x, y, column * 7 + row, LINE, 10 * (chance.random() - 0.5)))
    stops = [spots[place] for place in sorted(trail)]
    end = (1400.0, 450.0)
    way = smooth([(-60.0, 760.0), *stops, end])
    found = [leaf(x, y, index, METAL_DEEP) for index, (x, y) in enumerate(stops)]
    return scene(
        "A trail through the pages",
        "Many written pages; a dashed trail runs through four of them and ends at a copper coin",
        *pages,
        path(way, stroke=PAPER, stroke_width=22),
        path(way, stroke=METAL, stroke_width=6, stroke_dasharray="2 17", stroke_linecap="round"),
        *found,
        coin(*end, 150, VALUE, rosette("prize", 78, 48, 12, 8, stroke=VALUE, stroke_width=1.5), notches=110),
    )  # fmt: skip


def glossary() -> str:
    """A plate of eighteen coins as in a catalogue; one is copper, one is missing."""
    coins = []
    for index in range(18):
        x, y = 200 + index % 6 * 240, 186 + index // 6 * 264
        if index == 16:
            coins.append(disc(x, y, 104, fill="none", stroke=SOFT, stroke_width=3, stroke_dasharray="3 9"))
            continue
        colour = VALUE if index == 8 else (METAL, INK, METAL_DEEP)[index % 3]
        petals, depth = (
            (3, 8, 5, 12, 6, 4, 9, 7, 16, 5, 10, 6, 3, 14, 8, 4, 0, 11)[index],
            (46, 22, 34, 26, 40, 30)[index % 6],
        )
        turning = rosette(
            f"g{index}", 92 - depth - 6, depth, petals, max(4, 40 // petals), stroke=colour, stroke_width=1.3
        )
        coins.append(coin(x, y, 104, colour, turning, notches=76))
    return scene(
        "A plate of coins",
        "Eighteen places in three rows: coins of different design, one of them in copper, and one place empty",
        *coins,
    )


def lost_deals() -> str:
    """Five coins in a row, the middle one gone."""
    row = []
    for index in range(5):
        x = 240 + index * 280
        if index == 2:
            row += [
                disc(x, 450, 122, fill="url(#gone)"),
                disc(x, 450, 122, fill="none", stroke=SOFT, stroke_width=3, stroke_dasharray="3 9"),
            ]
        else:
            row.append(coin(x, 450, 122, METAL, rosette(f"c{index}", 66, 38, 8, 8, stroke=METAL, stroke_width=1.4)))
    shelf = line(60, 574, 1540, 574, stroke=INK, stroke_width=4)
    return scene(
        "The missing one",
        "Four coins on a shelf, and between them the place of a fifth",
        tag("defs", hatch("gone", 10, LINE)),
        shelf,
        *row,
    )


def spring_cleaning() -> str:
    """A drawer of cards, nearly all of them blank."""
    cards = []
    for index in range(15):
        x, y, kept = 330 + index * 36, 90 + index * 26, index in {3, 8, 12}
        colour = INK if kept else LINE
        tab = 40 + index * 97 % 330
        outline = f"M0 40H{tab}V0H{tab + 130}V40H520V330H0Z"
        dash = None if kept else "4 9"
        cards.append(group(
            path(outline, fill=RAISED if kept else PAPER, stroke=colour, stroke_width=3, stroke_dasharray=dash),
            box(tab + 22, 14, 86, 12, fill=VALUE if kept else LINE), transform=at(x, y),
        ))  # fmt: skip
    side = path("M312 284L820 650V862L312 496Z", fill=METAL_DEEP)
    drawer = side + box(820, 650, 548, 212, fill=METAL) + milled_handle(1094, 756)
    return scene(
        "The card index", "A drawer of cards; most are blank outlines, and only three are filled in", *cards, drawer
    )


def milled_handle(x: float, y: float) -> str:
    """The knob of a drawer."""
    return group(disc(0, 0, 46, fill=PAPER), milled(46, 9, 40, METAL_DEEP), transform=at(x, y))
