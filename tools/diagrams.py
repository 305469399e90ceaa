"""The small pictures: diagrams with words for the running text, and a medal for each author."""

from __future__ import annotations

import random

from engraving import (
    INK,
    LINE,
    METAL,
    METAL_DEEP,
    METAL_PALE,
    PAPER,
    RAISED,
    SOFT,
    VALUE,
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
    rosette,
    sheet,
    smooth,
    tag,
    words,
)

FAINT = "#5d6462"  # lettering that steps back, still 5:1 on the paper


def medal(name: str, letters: str, petals: int, depth: float, colour: str) -> str:
    """An author's medal with the initials."""
    ring = rosette("ring", 101 - depth / 2, depth, petals, max(5, 60 // petals), stroke=colour, stroke_width=1)
    lettering = disc(0, 0, 62, fill=RAISED) + words(0, 20, letters, size=56, colour=INK, letter_spacing=2)
    return sheet(
        320,
        320,
        f"Medal for {name}",
        f"A coin with the initials {letters}",
        coin(160, 160, 142, colour, ring, lettering, notches=96),
    )


def ida_nichols() -> str:
    """The founder's medal."""
    return medal("Ida Nichols", "IN", 16, 24, METAL_DEEP)


def tobias_okafor() -> str:
    """The medal of the one who answers."""
    return medal("Tobias Okafor", "TO", 7, 20, INK)


def marit_vance() -> str:
    """The medal of the one who counts."""
    return medal("Marit Vance", "MV", 28, 28, METAL)


def funnel_and_pipeline() -> str:
    """The same customers, as a crowd and one by one."""
    chance = random.Random(4)
    crowd: list[str] = []
    for top, count, half in ((66, 46, 128), (150, 22, 84), (234, 9, 46), (318, 3, 16)):
        for index in range(count):
            x = 150 + half * (2 * (index + 0.5) / count - 1)
            crowd.append(disc(x, top + 8 + 52 * chance.random(), 5, fill=VALUE if top == 318 else METAL))
    sides = path("M8 58L120 388M292 58L180 388", stroke=INK, stroke_width=2.5)
    levels = [line(8 + 28.5 * step, 58 + 84 * step, 292 - 28.5 * step, 58 + 84 * step) for step in range(1, 4)]
    rows = []
    for index, (name, stage, waits) in enumerate(DEALS):
        y = 92 + index * 74
        rows.append(words(346, y, name, size=20, anchor="start"))
        rows.append(words(624, y, waits, size=17, colour=FAINT, anchor="end"))
        rows.append(line(352, y + 22, 618, y + 22, stroke=LINE, stroke_width=3))
        last = VALUE if stage == 4 else METAL
        rows.append(line(352, y + 22, 352 + stage * 66.5, y + 22, stroke=last, stroke_width=3))
        for step in range(5):
            look = {
                "fill": last if step <= stage else PAPER,
                "stroke": last if step <= stage else LINE,
                "stroke_width": 2.5,
            }
            rows.append(disc(352 + step * 66.5, y + 22, 9 if step == stage else 5, **look))
    return sheet(
        640, 440, "Funnel and pipeline",
        "Left, a funnel: a crowd of dots that grows smaller from level to level. Right, a pipeline: five names, "
        "each with the stage it has reached and what it waits for.",
        words(150, 34, "Funnel: how many?", size=21), words(485, 34, "Pipeline: who waits?", size=21),
        line(320, 14, 320, 426, stroke=LINE, stroke_width=2),
        group(*levels, stroke=LINE, stroke_width=2), sides, *crowd,
        words(150, 422, "a crowd", size=18, colour=FAINT), *rows,
    )  # fmt: skip


DEALS = (
    ("Adler", 2, "our visit, Thursday"),
    ("Oduya", 1, "our call, today"),
    ("Hartmann", 3, "her board"),
    ("Brandt", 0, "our first reply"),
    ("Lim", 4, "signed"),
)


def relay() -> str:
    """The exchange zone between the two lanes."""
    lanes = (
        box(20, 96, 390, 54, fill=METAL), box(230, 160, 390, 54, fill=INK),
        box(230, 78, 180, 154, fill="url(#zone)", stroke=VALUE, stroke_width=2.5, stroke_dasharray="6 6"),
    )  # fmt: skip
    track = smooth([(60.0, 123.0), (230.0, 123.0), (320.0, 155.0), (410.0, 187.0), (572.0, 187.0)])
    baton = group(
        path(track, stroke=PAPER, stroke_width=3, stroke_dasharray="2 9", stroke_linecap="round"),
        disc(60, 123, 9, fill=PAPER), disc(320, 155, 17, fill=VALUE, stroke=PAPER, stroke_width=4),
        arrow(592, 187, 0, PAPER, 13),
    )  # fmt: skip
    back = path("M596 226C596 338 500 346 330 346S44 338 44 176", stroke=INK, stroke_width=2.5, stroke_dasharray="7 7")
    questions = [words(320, 262 + row * 26, text, size=19) for row, text in enumerate(("Ready?  By whom?", "By when?"))]
    return sheet(
        640, 400, "The exchange zone",
        "Two lanes, marketing and sales, overlap in an exchange zone. There three questions are answered: "
        "is it ready, who takes it, by when. "
        "A dashed line leads back from sales to marketing: returned, with a reason.",
        tag("defs", hatch("zone", 9, VALUE, turn=45, width=0.6)),
        words(20, 74, "Marketing", size=22, anchor="start", colour=METAL_DEEP),
        words(620, 74, "Sales", size=22, anchor="end"),
        words(320, 56, "exchange", size=20, colour="#8a4f22"),
        *lanes, baton, *questions, back, arrow(44, 156, -90, INK, 12),
        words(320, 382, "and back, with a reason", size=19, colour=FAINT),
    )  # fmt: skip


def two_clocks() -> str:
    """When the waiting begins, for her and for the firm."""
    events = (
        ("she sends", 60, "Mon 4 pm"),
        ("forwarded", 236, "Tue 9 am"),
        ("assigned", 410, "Tue noon"),
        ("answered", 560, "Tue 3 pm"),
    )
    marks = []
    for index, (text, x, when) in enumerate(events):
        anchor = ("start", "middle", "middle", "end")[index]
        place = {"start": 28, "middle": x, "end": 612}[anchor]
        marks += [
            line(x, 66, x, 262, stroke=LINE, stroke_width=2, stroke_dasharray="3 6"),
            words(place, 30, text, size=19, anchor=anchor),
            words(place, 54, when, size=17, colour=FAINT, anchor=anchor),
        ]  # fmt: skip
    hers = box(60, 94, 500, 44, fill=VALUE) + words(76, 123, "her clock", size=21, colour=PAPER, anchor="start")
    ours = box(410, 166, 150, 44, fill=METAL) + words(
        394, 195, "the firm’s clock, as usual", size=21, colour=METAL_DEEP, anchor="end"
    )
    foot = words(28, 300, "The automatic reply, at 4:01 pm, stops neither.", size=18, colour=FAINT, anchor="start")
    return sheet(
        640, 320, "Two clocks",
        "Her clock runs from the moment she sends on Monday at four until a person answers on Tuesday at three. "
        "The firm's clock often starts only when the message is assigned, on Tuesday at noon.",
        *marks, hers, ours, foot,
    )  # fmt: skip


def loop() -> str:
    """Article, inquiry, conversation, question, and round again."""
    stations = (("article", -90), ("inquiry", 0), ("conversation", 90), ("question", 180))
    arcs, labels = [], []
    for index, (text, where) in enumerate(stations):
        colour = METAL if index in {0, 3} else INK
        wide = {"article": 22, "inquiry": 14, "conversation": 33, "question": 14}
        start, end = where + wide[text], where + 90 - wide[stations[(index + 1) % 4][0]]
        (x1, y1), (x2, y2) = polar(150, start, 320, 205), polar(150, end, 320, 205)
        arcs.append(path(f"M{x1:.1f} {y1:.1f}A150 150 0 0 1 {x2:.1f} {y2:.1f}", stroke=colour, stroke_width=5))
        arcs.append(arrow(*polar(151, end + 4, 320, 205), end + 95, colour, 15))
        x, y = polar(150, where, 320, 205)
        labels.append(words(x, y + 7, text, size=23))
    hands = (
        words(320, 186, "Marketing", size=19, colour=METAL_DEEP),
        words(320, 210, "writes and is told", size=17, colour=FAINT),
        words(320, 244, "Sales", size=19), words(320, 268, "listens and notes", size=17, colour=FAINT),
    )  # fmt: skip
    return sheet(
        640, 410, "The feedback loop",
        "Four stations in a circle: an article leads to an inquiry, the inquiry to a conversation, "
        "the conversation to a question, and the question to the next article.",
        *arcs, *labels, *hands,
    )  # fmt: skip


def pipeline_by_age() -> str:
    """Deals by the days they have stood in their stage, against how long winners stay."""
    rows = []
    for index, (name, days) in enumerate(
        (("Oduya", 3), ("Adler", 6), ("Brandt", 9), ("Hartmann", 12), ("Krol", 31), ("Mayfield", 58))
    ):
        y, stuck = 92 + index * 48, days > 24
        reach = 7.4 * days
        rows.append(words(126, y + 20, name, size=20, anchor="end"))
        rows.append(
            box(
                140,
                y,
                reach,
                28,
                fill="url(#old)" if stuck else METAL,
                stroke=INK if stuck else None,
                stroke_width=2 if stuck else None,
            )
        )
        rows.append(words(150 + reach, y + 21, str(days), size=20, anchor="start"))
    band = box(140, 74, 7.4 * 14, 306, fill=METAL_PALE, opacity=0.55)
    return sheet(
        640, 420, "Days in the present stage",
        "Six deals as bars. Four have been in their stage for 3 to 12 days, within the 14 days in which "
        "deals that were won moved on. Two have stood still for 31 and 58 days.",
        tag("defs", hatch("old", 8, SOFT, turn=45, width=1)),
        words(28, 34, "Days in the present stage", size=22, anchor="start"), band,
        words(148, 64, "won deals moved on within 14", size=18, colour=METAL_DEEP, anchor="start"), *rows,
        words(610, 404, "call once, then close", size=18, colour=FAINT, anchor="end"),
    )  # fmt: skip


def page_icon(x: float, y: float, letter: str, colour: str) -> str:
    """A page with a letter on it, around x, y."""
    return group(
        box(-27, -36, 54, 72, fill=RAISED, stroke=colour, stroke_width=2.5),
        words(0, 10, letter, size=30),
        transform=at(x, y),
    )


def customer_path() -> str:
    """One customer's way over five months, and which part of it can be known."""
    hidden = path(
        smooth([(64.0, 150.0), (130.0, 196.0), (196.0, 150.0), (262.0, 112.0), (330.0, 150.0)]),
        stroke=SOFT,
        stroke_width=3,
        stroke_dasharray="5 9",
    )
    known = path("M330 150H556", stroke=METAL, stroke_width=4)
    stops = (
        ("March", 64, "found it"),
        ("April", 196, "was sent it"),
        ("May", 380, "read both, wrote"),
        ("July", 572, "signed"),
    )
    labels = [words(x, 46, month, size=20) + words(x, 242, text, size=18, colour=FAINT) for month, x, text in stops]
    pages = [
        page_icon(x, 150, letter, SOFT if x < 300 else METAL_DEEP)
        for letter, x in (("A", 64), ("B", 196), ("C", 336), ("D", 424))
    ]
    prize = coin(572, 150, 46, VALUE, rosette("prize", 22, 14, 9, 6, stroke=VALUE, stroke_width=1), notches=44)
    spans = (
        line(34, 282, 236, 282, stroke=SOFT, stroke_width=3, stroke_dasharray="5 9"),
        words(135, 314, "cannot be connected", size=18),
        line(300, 282, 612, 282, stroke=METAL, stroke_width=4), words(456, 314, "known without spying", size=18),
    )  # fmt: skip
    return sheet(
        640, 336, "One customer's path",
        "She found article A in March, was sent B in April, read C and D in May and wrote, and signed in July. "
        "The first two visits cannot be connected with the rest.",
        hidden, known, *labels, *pages, prize, *spans,
    )  # fmt: skip
