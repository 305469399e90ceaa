"""Lead pictures with people, places and water, 1600 by 900: an idea -> an engraving."""

from __future__ import annotations

import math

from engraving import (
    INK,
    LINE,
    METAL,
    METAL_DEEP,
    PAPER,
    RAISED,
    SOFT,
    VALUE,
    VALUE_PALE,
    arrow,
    at,
    box,
    coin,
    disc,
    group,
    hatch,
    line,
    path,
    polar,
    polyline,
    rosette,
    sheet,
    smooth,
    tag,
    wedge,
)

WIDTH, HEIGHT = 1600, 900


def scene(title: str, description: str, *inside: str) -> str:
    """A lead picture."""
    return sheet(WIDTH, HEIGHT, title, description, *inside)


def marketing_vs_sales() -> str:
    """A crowd on the left, one person on the right, and a coin with two halves between them."""
    crowd = []
    for row in range(17):
        for column in range(15):
            x, y = 34 + column * 54 + (row % 2) * 27, 18 + row * 54
            if x < 800 and math.hypot(x - 800, y - 450) > 345 and math.hypot(x - 277, y - 450) > 30:
                crowd.append(disc(x, y, 3.5 + 3.5 * x / 800))
    halves = tag(
        "defs",
        tag("clipPath", box(-320, -320, 314, 640), id="left"),
        tag("clipPath", box(6, -320, 314, 640), id="right"),
    )
    struck = coin(
        800, 450, 320, INK,
        group(rosette("many", 176, 106, 24, 9, stroke=METAL, stroke_width=1.6), clip_path="url(#left)"),
        group(rosette("one", 176, 88, 3, 30, stroke=VALUE, stroke_width=1.6), clip_path="url(#right)"),
        line(0, -297, 0, 297, stroke=INK, stroke_width=2),
        notches=200,
    )  # fmt: skip
    way = group(
        line(1122, 450, 1380, 450, stroke=VALUE, stroke_width=3),
        disc(1420, 450, 40, fill="none", stroke=VALUE, stroke_width=3),
        disc(1420, 450, 16, fill=VALUE),
    )
    chosen = disc(277, 450, 13, fill=VALUE)
    return scene(
        "From many to one",
        "A crowd of dots, a coin with one half for the many and one for the single, and one dot on the far side",
        halves, group(*crowd, fill=METAL), chosen, struck, way,
    )  # fmt: skip


def person(x: float, y: float, size: float, *, stroke: str, fill: str) -> str:
    """Head and shoulders, y at the chin."""
    w = size
    left = f"M{-w} {1.7 * w}V{1.15 * w}C{-w} {0.45 * w} {-0.55 * w} {0.2 * w} 0 {0.2 * w}"
    shoulders = left + f"S{w} {0.45 * w} {w} {1.15 * w}V{1.7 * w}Z"
    return group(
        path(shoulders, fill=fill),
        disc(0, -0.42 * w, 0.46 * w, fill=RAISED),
        stroke=stroke, stroke_width=2.5, stroke_linejoin="round", transform=at(x, y),
    )  # fmt: skip


def what_is_a_lead() -> str:
    """An audience, and one hand up."""
    rows, hand = [], ""
    for row in range(3):
        for column in range(-1, 9):
            x, y = 60 + column * 200 + (row % 2) * 100, 330 + row * 235
            hers = row == 1 and column == 4
            if hers:
                arm = path("M50 62C92 60 108 -20 104 -128", stroke=METAL, stroke_width=36, stroke_linecap="round")
                hand = group(arm, disc(103, -158, 27, fill=VALUE), transform=at(x, y))
            figure = person(x, y, 82, stroke=METAL_DEEP if hers else SOFT, fill=METAL if hers else "url(#cloth)")
            rows.append(figure)
    ground = tag("defs", hatch("cloth", 9, LINE, turn=60), hatch("ground", 9, LINE, turn=60))
    return scene(
        "One hand raised", "Rows of people seen from the front; one of them has raised a hand", ground, *rows, hand
    )


def service_level_agreement() -> str:
    """A bridge of seven stones, the keystone in copper, and two people who meet on it."""
    step, arch = 180 / 7, []
    for index in range(7):
        stone = wedge(330, 440, 180 + index * step + 0.7, 180 + (index + 1) * step - 0.7)
        arch.append(
            path(stone, fill=VALUE if index == 3 else RAISED, stroke=VALUE if index == 3 else INK, stroke_width=3)
        )
    stone_look = {"fill": RAISED, "stroke": INK, "stroke_width": 3}
    water = []
    for row in range(9):
        y = 742 + row * 19
        wave = [(480 + x, y + 4 * math.sin(x / 26 + row * 2.1)) for x in range(0, 641, 16)]
        water.append(path(smooth(wave), stroke=METAL, stroke_width=1.6, opacity=1 - row * 0.07))
    masonry = [line(0, 380 + row * 40, 1600, 380 + row * 40) for row in range(13)]
    joints = [
        line(40 + column * 120 + (row % 2) * 60, 340 + row * 40, 40 + column * 120 + (row % 2) * 60, 380 + row * 40)
        for row in range(14)
        for column in range(14)
    ]
    outside = (
        polyline([(0, 330), (1600, 330), (1600, 900), (1240, 900), (1240, 770)])
        + "A440 440 0 0 0 360 770L360 900L0 900Z"
    )
    wall = tag("clipPath", path(outside), id="wall")
    return scene(
        "A bridge of seven stones",
        "A stone bridge whose arch has seven stones, the keystone in copper; two people meet on it above the water",
        tag("defs", wall),
        group(*masonry, *joints, stroke=LINE, stroke_width=2, clip_path="url(#wall)"),
        box(362, 771, 106, 140, **stone_look), box(1132, 771, 106, 140, **stone_look),
        group(*arch, transform=at(800, 770)),
        line(0, 322, 1600, 322, stroke=INK, stroke_width=10),
        *water,
        walker(640, METAL), walker(960, INK),
        disc(800, 226, 17, fill=VALUE), line(703, 226, 774, 226, stroke=METAL, stroke_width=9, stroke_linecap="round"),
        line(826, 226, 897, 226, stroke=INK, stroke_width=9, stroke_linecap="round"),
    )  # fmt: skip


def walker(x: float, colour: str) -> str:
    """A small standing figure on the bridge, facing the middle."""
    side = 1 if x < 800 else -1
    body = f"M0 -124L{22 * side} -60L{34 * side} 0M0 -124L{-2 * side} -62L{-24 * side} 0M0 -124V-66"
    arm = f"M0 -112L{34 * side} -92L{66 * side} -91"
    limbs = path(body + arm, stroke=colour, stroke_width=11, stroke_linecap="round", stroke_linejoin="round")
    return group(limbs, disc(0, -155, 21, fill=colour), transform=at(x, 317))


def first_reply() -> str:
    """A clock whose first hour is struck deep and whose later hours fade."""
    arcs = []
    for hour in range(12):
        count = (30, 20, 15, 12, 10, 8, 7, 6, 5, 4, 3, 3)[hour]
        start, end = -90 + hour * 30 + 1.5, -90 + (hour + 1) * 30 - 1.5
        strokes = []
        for index in range(count):
            radius = 70 + (index + 0.5) * 250 / count
            (x1, y1), (x2, y2) = polar(radius, start), polar(radius, end)
            strokes.append(f"M{x1:.1f} {y1:.1f}A{radius:.1f} {radius:.1f} 0 0 1 {x2:.1f} {y2:.1f}")
        colour, width = (VALUE, 5.5) if hour == 0 else (METAL, 2.6 - hour * 0.1)
        arcs.append(path("".join(strokes), stroke=colour, stroke_width=width))
    ticks = [line(*polar(328, 6 * minute), *polar(338 if minute % 5 else 346, 6 * minute)) for minute in range(60)]
    hand = path(polyline([(-9, 0), (-5, -300), (0, -318), (5, -300), (9, 0)], closed=True), fill=INK)
    face = coin(
        800, 450, 392, INK,
        group(*ticks, stroke=INK, stroke_width=2), *arcs,
        hand, group(hand.replace("-300", "-190").replace("-318", "-206"), transform="rotate(30)"),
        disc(0, 0, 22, fill=INK), disc(0, 0, 7, fill=PAPER),
        notches=240,
    )  # fmt: skip
    ripples = [disc(800, 450, 440 + ring * 46, opacity=round(1 - ring * 0.085, 2)) for ring in range(11)]
    description = "A clock face: the first hour is densely engraved in copper, the later hours grow fainter and fainter"
    return scene("The first hour", description, group(*ripples, fill="none", stroke=LINE, stroke_width=2), face)


def reading_a_pipeline() -> str:
    """Deals drift down a stream; one lies in it like a stone, and the rest flow round it."""
    stone_x, stone_y, radius = 790.0, 450.0, 150.0
    streams = []
    for row in range(-14, 15):
        offset = row * 33 + 16.5
        xs = [*range(-40, 440, 120), *range(440, 1141, 50), *range(1240, 1681, 120)]
        streams.append(path(smooth([(float(x), stone_y + streamline(x - stone_x, offset, radius)) for x in xs])))
    gates = [line(x, 0, x, 900) for x in (240, 520, 1060, 1330)]
    rings = [disc(stone_x, stone_y, r, fill="none") for r in range(14, 150, 11)]
    stone = disc(stone_x, stone_y, radius - 4, fill=RAISED) + group(*rings, stroke=SOFT, stroke_width=2.2)
    deals = []
    for x, row, size, colour in DEALS:
        y = stone_y + streamline(x - stone_x, row * 33 + 16.5, radius)
        deals += [disc(x, y, size + 9, fill=PAPER), disc(x, y, size, fill=colour)]
    return scene(
        "A stream with a stone in it",
        "Fine lines flow from left to right with discs adrift on them; they part around a large stone with many rings",
        group(*gates, stroke=VALUE_PALE, stroke_width=3, stroke_dasharray="3 13", stroke_linecap="round"),
        group(*streams, stroke=METAL, stroke_width=1.8),
        stone,
        *deals,
    )  # fmt: skip


DEALS = (
    (90, -8, 15, INK), (150, 3, 24, INK), (70, 9, 12, INK), (190, -3, 11, INK), (330, -11, 20, INK), (380, 6, 14, INK),
    (440, -5, 27, INK), (300, 11, 17, INK), (610, 9, 20, INK), (640, -9, 14, INK), (960, 7, 24, INK),
    (990, -8, 16, INK), (1160, 1, 18, INK), (1220, -5, 28, INK), (1250, 9, 13, INK), (1440, -2, 34, VALUE),
)  # fmt: skip


def streamline(x: float, offset: float, radius: float) -> float:
    """The height at x of the streamline that is `offset` from the middle far away (ideal flow round a disc)."""
    low, high = abs(offset), abs(offset) + radius
    for _ in range(40):
        middle = (low + high) / 2
        if middle * (1 - radius**2 / (x * x + middle * middle)) < abs(offset):
            low = middle
        else:
            high = middle
    return math.copysign((low + high) / 2, offset)


def feedback_loop() -> str:
    """A ribbon in the shape of a lying eight: a question in one eye, an article in the other."""
    ribbons = []
    for index in range(13):
        size = 470 + index * 16
        points = []
        for step in range(40):
            t = math.tau * step / 40
            squeeze = 1 + math.sin(t) ** 2
            points.append((size * math.cos(t) / squeeze, size * 1.32 * math.sin(t) * math.cos(t) / squeeze))
        ribbons.append(path(smooth(points, closed=True), id=f"r{index}"))
    both = group(*ribbons)
    halves = tag(
        "defs",
        tag("clipPath", box(-800, -450, 800, 900), id="west"),
        tag("clipPath", box(0, -450, 800, 900), id="east"),
    )
    again = "".join(tag("use", href=f"#r{index}") for index in range(13))
    question = group(
        path("M-92 -74H92V50H-18L-54 92V50H-92Z", fill=RAISED, stroke_width=4, stroke_linejoin="round"),
        path("M-26 -30C-26 -62 28 -62 28 -28C28 -4 0 -8 0 16", stroke_width=9, stroke_linecap="round"),
        disc(0, 34, 4, fill=METAL_DEEP, stroke_width=5), stroke=METAL_DEEP, transform=at(-306, -6),
    )  # fmt: skip
    rows = [line(-46, -50 + row * 22, 46 if row != 6 else 4, -50 + row * 22) for row in range(1, 7)]
    article = group(
        box(-74, -104, 148, 208, fill=RAISED, stroke=INK, stroke_width=4),
        line(-46, -68, 20, -68, stroke=INK, stroke_width=9),
        group(*rows, stroke=SOFT, stroke_width=4), transform=at(306, 0),
    )  # fmt: skip
    ends = arrow(-380, -264, 180, METAL_DEEP, 34) + arrow(380, -264, 0, INK, 34)
    return scene(
        "A question and an article",
        "A ribbon in the shape of a lying eight, with a question mark in its left eye and a written page in its right",
        halves,
        group(
            group(both, stroke=METAL, stroke_width=2, clip_path="url(#west)"),
            group(again, stroke=INK, stroke_width=2, clip_path="url(#east)"),
            question, article, ends, disc(0, 0, 15, fill=VALUE), transform=at(800, 450),
        ),
    )  # fmt: skip


def one_person_both_jobs() -> str:
    """One chair with two posts, and on each post a hat."""
    frame = {"fill": RAISED, "stroke": INK, "stroke_width": 4, "stroke_linejoin": "round"}
    seat = "M548 640H1052L1104 716H496Z"
    chair = group(
        box(566, 300, 34, 600, **frame), box(1000, 300, 34, 600, **frame),
        box(600, 392, 400, 46, **frame), box(600, 486, 400, 46, **frame),
        path(seat, **frame), box(496, 716, 608, 30, **frame),
        box(516, 746, 34, 160, **frame), box(1050, 746, 34, 160, **frame),
    )  # fmt: skip
    weave = path(seat, fill="url(#weave)")
    bowler = group(
        path("M-118 0C-122 -96 -78 -148 0 -148S122 -96 118 0Z", fill=METAL),
        path("M-120 -22H120V4H-120Z", fill=METAL_DEEP),
        path("M-196 -18C-150 22 150 22 196 -18C176 40 110 46 0 46S-176 40 -196 -18Z", fill=METAL),
        transform=at(583, 286, -7),
    )  # fmt: skip
    boater = group(
        box(-116, -104, 232, 110, fill=RAISED),
        box(-116, -104, 232, 110, fill="url(#straw)", stroke=INK, stroke_width=4),
        box(-116, -58, 232, 46, fill=VALUE),
        path("M-196 2C-196 -8 196 -8 196 2V14C196 30 -196 30 -196 14Z", fill=RAISED, stroke=INK, stroke_width=4),
        transform=at(1017, 290, 6),
    )  # fmt: skip
    patterns = tag("defs", hatch("straw", 9, VALUE_PALE, turn=30, width=2), hatch("weave", 12, LINE, turn=55, width=2))
    floor = [line(0, 800 + row * 26, 1600, 800 + row * 26) for row in range(4)]
    return scene(
        "Two hats, one chair",
        "An empty chair with two posts; on the left post hangs a green bowler hat, on the right a straw boater",
        patterns, group(*floor, stroke=LINE, stroke_width=2), chair, weave, bowler, boater,
    )  # fmt: skip
