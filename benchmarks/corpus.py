"""Corpus: a number -> a site of so many articles, for Obverse or for a peer, the same bytes wherever it is made.

    python -m benchmarks.corpus DIR --n 1000 [--for obverse|hugo|eleventy|pelican]

An article has 600 to 1,500 made-up words with headings, lists, quotes, emphasis and links to other articles; 27 % have
code, 34 % a table, 26 % footnotes, 30 % a picture (one of twenty that all share). Everything about an article follows
from its number, so any of them can be made alone, and a site of 100,000 is never in memory.
"""

from __future__ import annotations

import argparse
import shutil
import struct
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random

PEERS = Path(__file__).parent / "peers"
TOOLS = ("obverse", "hugo", "eleventy", "pelican")
THEME = Path(__file__).parents[1] / "templates"
PICTURES = 20
TITLE = "Harbour Notes"

_FIRST, _SPAN = datetime(2012, 1, 2, 6, tzinfo=UTC), timedelta(days=12 * 365)
_SEED = "harbour"

_HEADS = "b br c cl d dr f fl g gr h j k l m n p pr qu r s sh st t tr v w".split()
_VOWELS = "a e i o u ai ea oo".split()
_TAILS = "b ck d ft g l ll m n nd ng p r rn s sk st t th ve".split()
_SMALL = (
    "a an and as at but by for from in is it its no not of on or so than that the then they this to was we when with"
).split()
_CATEGORIES = "Anchors Boats Charts Docks Engines Flags Gear Hulls Islands Journeys Knots Ladders".split()

_CODE = {
    "python": 'def {a}({b}, limit=10):\n    """Return what {c} holds."""\n    for index, item in enumerate({b}):\n'
    '        if index >= limit and item != "{c}":\n            break\n        yield {{"{a}": item, "at": index / 2}}\n',
    "js": "const {a} = async ({b}) => {{\n  // wait for {c}\n  const found = await fetch(`/{a}/${{{b}}}`);\n"
    '  return found.ok ? found.json() : {{ error: "{c}", code: 404 }};\n}};\n',
    "bash": "#!/bin/sh\nset -eu\n"
    'for {a} in "$HOME"/{b}/*.txt; do\n  grep -c "{c}" "${a}" | sort -n > /tmp/{b}.log\ndone\n',
    "sql": "SELECT {a}, count(*) AS {b}\nFROM {c}_log\n"
    "WHERE {a} > 12 AND kind = '{b}'\nGROUP BY {a}\nORDER BY {b} DESC;\n",
}


@cache
def words() -> tuple[str, ...]:
    """Made-up words with some real small ones among them, the frequent ones first."""
    random, made = Random(f"{_SEED} words"), dict.fromkeys(_SMALL)
    while len(made) < 2400:
        parts = [random.choice(_HEADS) + random.choice(_VOWELS) for _ in range(random.choice((1, 1, 2)))]
        made["".join(parts) + random.choice(_TAILS)] = None
    return tuple(made)


def word(random: Random) -> str:
    """A word; like in a language, few of them are most of the text."""
    all_of_them = words()
    return all_of_them[int(len(all_of_them) * random.random() ** 2.6)]


def slug(number: int) -> str:
    """The name of an article's file, without `.md`: also the last part of its address."""
    long = words()[len(_SMALL) :]
    return f"{long[number * 7 % 2311]}-{long[number * 13 % 2203]}-{number:06d}"


def title(number: int) -> str:
    """An article's title: different for each."""
    random = Random(f"{_SEED} title {number}")
    return f"{' '.join(word(random) for _ in range(random.randint(3, 7)))} {number}".capitalize()


def date(number: int, count: int) -> datetime:
    """When an article came out; those beyond the count are the newest of all."""
    return _FIRST + _SPAN * number / max(1, count)


@dataclass(frozen=True, slots=True)
class Article:
    """An article before it has a form: what the front matter says, and the body."""

    number: int
    title: str
    description: str
    date: datetime
    tags: tuple[str, ...]
    category: str
    body: str


def article(number: int, count: int, link: Callable[[int], str]) -> Article:
    """The article of a number in a site of so many; `link` writes the address of another."""
    random = Random(f"{_SEED} article {number}")
    long = words()[len(_SMALL) :]
    names = random.sample(range(60 + count // 50), random.randint(2, 4))
    return Article(
        number,
        title(number),
        _sentence(random, 14),
        date(number, count),
        tuple(f"{long[tag * 5 % 2203]} {long[tag * 11 % 2311]}" for tag in names),
        random.choice(_CATEGORIES),
        _body(random, count, link),
    )


def _sentence(random: Random, length: int = 0) -> str:
    some = [word(random) for _ in range(length or random.randint(6, 22))]
    if len(some) > 12:
        some[5] += ","
    return " ".join(some).capitalize() + random.choice("....?")


def _rich(random: Random, count: int, link: Callable[[int], str]) -> str:
    """A paragraph with what writers put in one."""
    parts = [_sentence(random) for _ in range(random.randint(3, 6))]
    for _ in range(random.randint(0, 2)):
        some = f"{word(random)} {word(random)}"
        kind = random.random()
        if kind < 0.3:
            parts.append(f"It is *{some}* again.")
        elif kind < 0.55:
            parts.append(f"Never forget **{some}**, they said.")
        elif kind < 0.75:
            parts.append(f"Use `{some.replace(' ', '_')}()` here.")
        else:
            parts.append(f"More of it stands in [{some}]({link(random.randrange(count))}).")
    return " ".join(parts)


def _list(random: Random) -> str:
    mark = random.choice(("- ", "1. "))
    return "\n".join(mark + _sentence(random, random.randint(4, 10)) for _ in range(random.randint(3, 6)))


def _table(random: Random) -> str:
    rows = [f"| {word(random)} | {word(random)} | {random.randint(1, 900)} |" for _ in range(random.randint(3, 9))]
    return "\n".join([f"| {word(random)} | {word(random)} | number |", "| --- | --- | ---: |", *rows])


def _code(random: Random) -> str:
    language = random.choice(tuple(_CODE))
    long = [one for one in (word(random) for _ in range(20)) if len(one) > 3] + ["keel", "mast", "rope"]
    return f"```{language}\n{_CODE[language].format(a=long[0], b=long[1], c=long[2])}```"


def _body(random: Random, count: int, link: Callable[[int], str]) -> str:
    target = random.randint(600, 1500)
    has_code, has_table = random.random() < 0.27, random.random() < 0.34
    has_notes, has_picture = random.random() < 0.26, random.random() < 0.30
    blocks = [_rich(random, count, link)]
    extras = [_table(random)] if has_table else []
    extras += [_code(random) for _ in range(random.randint(1, 2))] if has_code else []
    if has_picture:
        extras.append(f"![A view of {word(random)}](/img/view-{random.randrange(PICTURES):02d}.png)")
    length, depth = len(blocks[0].split()), 3
    while length < target:
        kind = random.random()
        if kind < 0.18:
            depth = 3 if depth == 2 and random.random() < 0.4 else 2
            block = f"{'#' * depth} {_sentence(random, random.randint(2, 5)).rstrip('.?')}"
        elif kind < 0.28:
            block = _list(random)
        elif kind < 0.33:
            block = f"> {_sentence(random)} {_sentence(random)}"
        else:
            block = _rich(random, count, link)
        blocks.append(block)
        length += len(block.split())
        if extras and random.random() < 0.3:
            blocks.append(extras.pop())
    blocks += extras
    if has_notes:
        blocks[0] += "[^one]"
        blocks[-1 if blocks[-1][0].isalpha() else 0] += " See the note.[^two]"
        blocks += [f"[^one]: {_sentence(random)}", f"[^two]: {_sentence(random)}"]
    return "\n\n".join(blocks) + "\n"


def text(tool: str, number: int, count: int) -> str:
    """The file of an article, in the form a tool reads."""
    relative = tool == "obverse"
    one = article(number, count, lambda other: f"{slug(other)}.md" if relative else f"/articles/{slug(other)}/")
    if tool == "pelican":
        head = [f"Title: {one.title}", f"Summary: {one.description}", f"Date: {one.date:%Y-%m-%d %H:%M:%S}"]
        head += [f"Slug: {slug(number)}", f"Tags: {', '.join(one.tags)}", f"Category: {one.category}"]
        return "\n".join(head) + f"\n\n{one.body}"
    tags = ", ".join(f'"{tag}"' for tag in one.tags)
    category = f'categories: ["{one.category}"]' if tool == "hugo" else f'category: "{one.category}"'
    head = [f'title: "{one.title}"', f'description: "{one.description}"', f"date: {one.date:%Y-%m-%dT%H:%M:%SZ}"]
    return "\n".join(["---", *head, f"tags: [{tags}]", category, "---", "", one.body])


def picture(number: int) -> bytes:
    """A small PNG, different for each number."""
    width, height = 80, 45
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            rows += bytes(((x * (number + 1)) & 255, (y * 3 + number * 11) & 255, (x ^ y) & 255))
    parts = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b"")):
        parts += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return parts


_OBVERSE = f"""\
[site]
title = "{TITLE}"
description = "Made-up words for measuring."
url = "https://harbour.example"
language = "en"
timezone = "UTC"
author = "The harbour"

[articles]
sections = ["articles"]
per_page = 20

[menus]
main = [
  {{page = "articles/_index.md", label = "Articles"}},
  {{page = "about.md", label = "About"}},
]
"""

# Where a peer wants the line below the masthead, and files that are served as they are.
_THEIRS = {
    "hugo": ("layouts/partials/edge.html", "static/assets"),
    "eleventy": ("layouts/edge.html", "content/assets"),
    "pelican": ("theme/templates/edge.html", "theme/static"),
}

_ABOUT = "Words about the harbour, so that the menu has somewhere to go."


def _replace(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


def _frame(tool: str, folder: Path, content: Path) -> None:
    """All of a site but its articles and pictures."""
    if tool == "obverse":
        (folder / "obverse.toml").write_text(_OBVERSE, "utf-8")
        shutil.copytree(
            THEME, folder / "templates", ignore=lambda _, names: [one for one in names if one != "base.html"]
        )
        _replace(folder / "templates" / "base.html", "</footer>", "<p>edition 0</p>\n</footer>")
    else:
        shutil.copytree(PEERS / tool, folder, dirs_exist_ok=True)
        edge, assets = _THEIRS[tool]
        (folder / assets).mkdir(parents=True, exist_ok=True)
        shutil.copy(THEME / "assets" / "edge.svg", folder / edge)
        for name in ("app.css", "app.js"):
            shutil.copy(THEME / "assets" / name, folder / assets / name)
    if tool == "pelican":
        (content / "pages").mkdir(exist_ok=True)
        (content / "pages/about.md").write_text(f"Title: About\nSlug: about\n\n{_ABOUT}\n", "utf-8")
        return
    home = "index.md" if tool == "obverse" else "_index.md"
    pages = {"about.md": "About", home: TITLE, "articles/_index.md": "Articles"}
    for name, heading in pages.items():
        if tool != "eleventy" or name == "about.md":
            head = f'---\ntitle: "{heading}"\ndescription: "{_ABOUT}"\n---\n'
            (content / name).write_text(f"{head}\n{_ABOUT}\n", "utf-8")


def path_of(folder: Path, number: int) -> Path:
    """Where the file of an article lies in a site's folder."""
    return folder / "content" / "articles" / f"{slug(number)}.md"


def write(tool: str, folder: Path, count: int) -> None:
    """Write a site of so many articles into a folder."""
    content = folder / "content"
    images = folder / "static/img" if tool == "hugo" else content / "img"
    for one in (content / "articles", images):
        one.mkdir(parents=True, exist_ok=True)
    _frame(tool, folder, content)
    for number in range(PICTURES):
        (images / f"view-{number:02d}.png").write_bytes(picture(number))
    for number in range(count):
        path_of(folder, number).write_text(text(tool, number, count), "utf-8", newline="\n")


def main(arguments: list[str]) -> int:
    """Write a site as the command line says."""
    parser = argparse.ArgumentParser(prog="benchmarks.corpus", description="Write a site of made-up articles.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--n", type=int, default=1000, help="how many articles")
    parser.add_argument("--for", dest="tool", choices=TOOLS, default="obverse")
    asked = parser.parse_args(arguments)
    if asked.folder.exists() and any(asked.folder.iterdir()):
        print(f"{asked.folder} is not empty", file=sys.stderr)
        return 2
    write(asked.tool, asked.folder, asked.n)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
