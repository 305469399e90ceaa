"""Tiny sites written inline, a theme that uses every door of a View, and a clock that stands still.

A test lists its files, builds, edits, builds again, and compares folders. Nothing here knows what is right: that is
always a clean build into another folder.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from obverse.build import BuildOptions, Report, build, site_of
from obverse.clock import Clock
from obverse.moves import FILE as MOVES
from obverse.moves import Moves, as_toml
from obverse.options import RELEASE
from obverse.problems import as_text

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)

SETTINGS = """\
[site]
title = "Tiny"
tagline = "Small"
description = "A tiny site"
url = "https://tiny.example"
author = "Anna"
[articles]
per_page = 2
feed_items = 3
[menus]
main = [{page = "about.md"}, {url = "/tags/", label = "Tags"}]
"""

# What forms say is not for a tiny theme to invent.
_WORDS = (Path(__file__).resolve().parents[2] / "templates/words/en.toml").read_text("utf-8").splitlines(keepends=True)
FORM_WORDS = "".join(line for line in _WORDS if line.startswith(('"form.', '"capture.')))

# Every function of View, every attribute of a card, a page, the site and the head is asked for by some template.
THEME = {
    "macros.html": '{% macro card(one) %}<li><a href="{{ one.url }}">{{ one.title }}</a>{% endmacro %}',
    "date.html": "{% if page.date %}<p>{{ page.date|isodate }} {{ page.date|date }} {{ view.is_past(page.date) }}"
    "{% if page.extra.aged %} {{ view.age_in_days(page.date) }}{% endif %}{% endif %}",
    "base.html": """\
{% from "macros.html" import card %}
<html lang="{{ page.lang }}"><title>{{ head.title }}</title>
<meta {{ head.description }}|{{ head.canonical }}|{{ head.robots }}|{{ head.feeds }}|{{ head.alternates }}>
<meta {{ head.open_graph }}>{{ head.json_ld|join }}<link href="{{ asset("app.css") }}">
{% for item in view.menu("main") %}<a href="{{ item.url }}">{{ item.label }}{{ item.current }}</a>{% endfor %}
{{ crumbs|map(attribute="title")|join("/") }} {{ t("hello") }}
{% block main %}{% endblock %}
<footer>{{ site.title }} {{ site.url }} {{ site.home }} {{ site.author }} {{ site.theme.colour }}</footer>
""",
    "home.html": """\
{% extends "base.html" %}{% block main %}
{{ site.tagline }} {{ site.description }} {{ site.language }} {{ page.body }}
{% for one in view.articles(limit=2) %}{{ card(one) }} {{ one.excerpt }} {{ t("n", n=one.minutes) }}{% endfor %}
{% for one in view.articles(tag="red", section="articles", offset=1) %}{{ card(one) }}{% endfor %}
{% set about = view.page("about.md") %}{% if about %}{{ card(about) }}{% endif %}
{% endblock %}
""",
    "page.html": """\
{% extends "base.html" %}{% block main %}<h1>{{ page.title }}</h1>{% include "date.html" %}
{{ page.standfirst }}|{{ page.description }}|{{ page.image }}|{{ page.image_alt }}|{{ page.words }}|{{ page.noindex }}
{{ view.form(page.form) if page.form }}|{{ page.cta }}|{{ page.expires }}|{{ page.updated }}|{{ page.extra.note }}
{{ page.id }}
{% for one in page.toc %}{{ one.level }}{{ one.id }}{{ one.text }}{% endfor %}
{{ page.body }}{% for one in view.translations(page) %}{{ card(one) }}{% endfor %}{% endblock %}
""",
    "article.html": """\
{% extends "page.html" %}{% block main %}{{ super() }}
{% for one in page.authors %}{{ card(one) }}{% endfor %}
{% for one in page.tags %}{{ one.url }}{{ one.name }}{% endfor %}
{{ page.category.name if page.category }} {{ page.section.title if page.section }}
{% if page.series %}{{ view.articles(series=page.series.name)|map(attribute="title")|join(",") }}{% endif %}
{% set newer = view.next(page) %}{% if newer %}next {{ card(newer) }}{% endif %}
{% set older = view.previous(page) %}{% if older %}previous {{ card(older) }}{% endif %}
{% for one in view.related(page) %}related {{ card(one) }}{% endfor %}{% endblock %}
""",
    "list.html": """\
{% extends "base.html" %}{% block main %}<h1>{{ page.title }}</h1>{{ page.body }}
{% for one in list["items"] %}{{ card(one) }}{{ one.weight }} {{ one.standfirst }}{% endfor %}
{{ list.number }} {{ list.newer }} {{ list.older }}{% endblock %}
""",
    "term.html": """\
{% extends "list.html" %}{% block main %}{{ term.taxonomy }} {{ term.name }}{{ super() }}{% endblock %}
""",
    "terms.html": """\
{% extends "base.html" %}{% block main %}<h1>{{ page.title }}</h1>
{% for one in terms %}{{ one.name }} {{ one.url }} {{ one.count }} {{ t("n", n=one.count) }}{% endfor %}{% endblock %}
""",
    "author.html": """\
{% extends "base.html" %}{% block main %}{{ author.title }}{{ page.body }}
{% for one in view.articles(author=page.path) %}{{ card(one) }}{% endfor %}{% endblock %}
""",
    "authors.html": """\
{% extends "base.html" %}{% block main %}{% for one in list["items"] %}{{ card(one) }}{% endfor %}
{% set anna = view.author("anna") %}{{ anna.title if anna }}{% endblock %}
""",
    "404.html": '{% extends "base.html" %}{% block main %}{{ view.year }} {{ view.today }}{% endblock %}',
    "redirect.html": '<meta http-equiv="refresh" content="0; url={{ href }}"><link href="{{ url }}">{{ lang }}',
    "atom.xml": """\
<feed>{{ feed.title }}{{ feed.url }}{{ feed.home }}{{ feed.updated|isodate }}
{% for one in feed.entries %}{{ one.title|xml }}{{ one.url }}{{ one.id }}{{ one.updated|isodate if one.updated }}
{{ one.authors|join }}{{ one.summary }}{{ one.content }}{% endfor %}</feed>
""",
    "sitemap.xml": """\
{% for one in entries %}{{ one.url }} {{ one.updated|isodate if one.updated }} {{ one.alternates }}
{% endfor %}
""",
    "robots.txt": "Sitemap: {{ sitemap }}\n",
    "data.html": """\
{% extends "page.html" %}{% block main %}{{ super() }}{{ view.data("team") }} {{ view.link("about.md") }}
{% for one in view.terms("tags") %}{{ one.name }}{{ one.count }}{% endfor %}
{% for one in view.terms("categories") %}{{ one.name }}{{ one.count }}{% endfor %}
{% for one in view.articles(category="News") %}{{ card(one) }}{% endfor %}
{% for one in view.pages(section="services") %}{{ card(one) }}{% endfor %}{% endblock %}
""",
    "components/box.html": '{#\nto = {type = "reference", required = true}\nlabel = {type = "text"}\n#}\n'
    '<a class="box" href="{{ args.to }}">{{ args.label or t("hello") }} {{ page.title }}</a>\n',
    "components/pic.html": '{#\nsrc = {type = "image", required = true}\n#}\n'
    '<img src="{{ args.src }}" alt="" width="{{ args.src.width }}">\n',
    "components/form.html": '{#\nname = {type = "text", required = true}\n#}\n{{ view.form(args.name) }}\n',
    "shell.html": '{% extends "base.html" %}{% block main %}{{ main }}{% endblock %}',
    "assets/app.css": 'body { background: url("dot.svg") } @import url(more/extra.css);\n',
    "assets/dot.svg": '<svg viewBox="0 0 1 1"></svg>\n',
    "assets/more/extra.css": "p { background: url('../dot.svg') }\n",
    "words/en.toml": 'hello = "Hello"\ndate = "{day} {month} {year}"\n"n.one" = "one"\n"n.other" = "{n}"\n'
    '"title.404" = "Gone"\n"pager.number" = "Page {number}"\n"title.authors" = "Authors"\n"title.terms.tags" = "Tags"\n'
    '"title.terms.categories" = "Categories"\n"title.terms.series" = "Series"\n'
    + "".join(f'"month.{number}" = "M{number}"\n' for number in range(1, 13))
    + FORM_WORDS,
}

# What each of these shows of the others covers most questions there are.
CONTENT = {
    "content/index.md": "---\ntitle: Home\n---\nWelcome to [about](about.md).\n",
    "content/about.md": "---\ntitle: About\nimage: dot.svg\nimage_alt: A dot\n---\nWho we are.\n\n## Team\n\nPeople.\n",
    "content/team.md": "---\ntitle: Team\ntemplate: data\n---\nSee [the team](about.md#team).\n",
    "content/dot.svg": '<svg width="3" height="4"></svg>\n',
    "content/_data/team.toml": 'names = ["Anna"]\n',
    "content/forms/contact.md": "---\ntitle: Talk\nfields:\n  name:\n    label: Name\n  email: {type: email}\n---\n"
    "Thank you, {name}. [About us](../about.md)\n",
    "content/authors/anna.md": "---\ntitle: Anna\n---\nShe writes.\n",
    "content/services/_index.md": "---\ntitle: Services\n---\nAll of them.\n",
    "content/services/one.md": "---\ntitle: One\nweight: 2\n---\nFirst.\n",
    "content/services/two.md": '---\ntitle: Two\nweight: 1\n---\n{{ box("one.md", label="To one") }}\n',
    "content/articles/_index.md": "---\ntitle: Articles\n---\nAll writing.\n",
    "content/articles/a.md": "---\ntitle: Alpha\ndate: 2026-01-01\ntags: [red, blue]\nauthors: [anna]\n---\n"
    "First lines of alpha.\n\nA [link](b.md) and ![dot](/dot.svg).\n",
    "content/articles/b.md": "---\ntitle: Beta\ndate: 2026-01-02\ntags: [red]\ncategory: News\n---\n"
    "First lines of beta.\n\n## One\n\n## Two\n\n## Three\n\nThe end.\n",
    "content/articles/c.md": "---\ntitle: Gamma\ndate: 2026-01-03\nseries: Set\naliases: [/old-gamma/]\n---\n"
    "Gamma body.\n",
    "content/articles/d/index.md": "---\ntitle: Delta\ndate: 2026-01-04\nseries: Set\ntags: [blue]\n---\n"
    '![here](pic.svg)\n\n{{ pic("pic.svg") }}\n',
    "content/articles/d/pic.svg": '<svg width="5" height="6"></svg>\n',
    "content/articles/e.md": "---\ntitle: Epsilon\ndate: 2026-01-05\n---\nEpsilon body.\n",
}  # fmt: skip


def frozen(moment: datetime = NOON) -> Clock:
    """A clock that stands still, in UTC."""
    return Clock(moment, ZoneInfo("UTC"))


class TinySite:
    """A site's folder in the hands of a test."""

    def __init__(self, root: Path, files: dict[str, str]) -> None:
        self.root = root
        self.now = NOON
        self.write_all(files)

    def write(self, path: str, text: str | bytes) -> Path:
        """Write a file of the site in place, as an editor does; its folder is made when it is missing."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            file.write_bytes(text)
        else:
            file.write_text(text, encoding="utf-8", newline="\n")
        return file

    def write_all(self, files: dict[str, str]) -> None:
        for path, text in files.items():
            self.write(path, text)

    def read(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def replace(self, path: str, old: str, new: str) -> None:
        """Edit a file; the text to edit has to be there."""
        text = self.read(path)
        assert old in text, f"{path} has no {old!r}"
        self.write(path, text.replace(old, new))

    def remove(self, path: str) -> None:
        target = self.root / path
        shutil.rmtree(target) if target.is_dir() else target.unlink()

    def move(self, old: str, new: str) -> None:
        target = self.root / new
        target.parent.mkdir(parents=True, exist_ok=True)
        (self.root / old).rename(target)

    def later(self, **units: float) -> None:
        """Let time pass; negative units turn the clock back."""
        self.now += timedelta(**units)

    @property
    def out(self) -> Path:
        return self.root / "site"

    def options(self, **changes: object) -> BuildOptions:
        return dataclasses.replace(BuildOptions(self.root), **changes)

    def build(self, **changes: object) -> Report:
        """A build as the site's own memory makes it."""
        return build(self.options(**changes), frozen(self.now))

    def good_build(self, **changes: object) -> Report:
        """A build that nothing blocks."""
        report = self.build(**changes)
        assert not report.blocked, as_text(report.problems)
        return report

    def clean_build(self, **changes: object) -> tuple[Report, dict[str, bytes | None]]:
        """What a build that remembers nothing makes of the same sources, in a folder of its own; its release too."""
        beside = self.root.parent / f"{self.root.name}-clean"
        release = self.options(out=beside).release_folder
        for folder in (beside, release):
            shutil.rmtree(folder, ignore_errors=True)
        report = self.build(out=beside, clean=True, **changes)
        return report, tree(beside) | released(release)

    def assert_as_clean(self, report: Report, folder: Path | None = None, **changes: object) -> None:
        """The folder a build left, and what it told, are those of a clean build."""
        with self._moves_lent(self.options(out=folder, **changes)) if report.blocked else nullcontext():
            clean, files = self.clean_build(**changes)
        assert told(report) == told(clean), f"other problems:\n{_difference(told(report), told(clean))}"
        assert report.blocked == clean.blocked
        assert report.next_due == clean.next_due, f"due {report.next_due}, a clean build: {clean.next_due}"
        if not clean.blocked:
            out = folder or self.out
            assert_same_tree(tree(out) | released(self.options(out=out).release_folder), files)

    @contextmanager
    def _moves_lent(self, options: BuildOptions) -> Iterator[None]:
        """For a while `_moves.toml` says what a blocked build saw move and did not write.

        No source says where a page was before: a clean build can know that from this file alone.
        """
        site, _ = site_of(options, frozen(self.now))
        redirects = site.redirects if site else {}
        moved = {url: path for url, (path, where) in redirects.items() if where == MOVES}
        before = (self.root / MOVES).read_bytes() if (self.root / MOVES).is_file() else None
        if moved:
            self.write(MOVES, as_toml(Moves({}, moved)))
        try:
            yield
        finally:
            if before is not None:
                self.write(MOVES, before)
            elif moved:
                self.remove(MOVES)


def told(report: Report) -> str:
    """All that a report says is wrong."""
    return as_text(report.problems)


def tree(folder: Path) -> dict[str, bytes | None]:
    """All files of a folder with their bytes, and its folders (None), by path."""
    found: dict[str, bytes | None] = {}
    for inner, folders, files in os.walk(folder):
        place = Path(inner).relative_to(folder)
        found |= {(place / name).as_posix(): None for name in folders}
        found |= {(place / name).as_posix(): (Path(inner) / name).read_bytes() for name in files}
    return found


def released(folder: Path) -> dict[str, bytes | None]:
    """All files of a release, by paths that no site has."""
    return {f"{RELEASE}{path}": data for path, data in tree(folder).items()}


def stats(folder: Path) -> dict[str, tuple[int, int, int]]:
    """(mtime_ns, inode, size) of all that is in a folder, by path, and of the folder itself."""
    found = {}
    for inner, _, files in os.walk(folder):
        for name in (".", *files):
            one = os.stat(os.path.join(inner, name))
            found[os.path.relpath(os.path.join(inner, name), folder)] = (one.st_mtime_ns, one.st_ino, one.st_size)
    return found


def assert_same_tree(mine: dict[str, bytes | None], clean: dict[str, bytes | None]) -> None:
    """Both folders hold the same paths and bytes; the message names the first path that differs."""
    missing, more = sorted(clean.keys() - mine.keys()), sorted(mine.keys() - clean.keys())
    assert not missing, f"a clean build also makes {missing}"
    assert not more, f"a clean build would not make {more}"
    for path, data in sorted(clean.items()):
        assert mine[path] == data, f"{path} differs:\n{_difference(_shown(mine[path]), _shown(data))}"


def _shown(data: bytes | None) -> str:
    return "(a folder)" if data is None else data.decode("utf-8", "replace")


def _difference(mine: str, clean: str) -> str:
    lines = difflib.unified_diff(mine.splitlines(), clean.splitlines(), "this build", "a clean build", n=0, lineterm="")
    return "\n".join(lines)
