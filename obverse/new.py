"""New: a title -> a site made from the starter, or the file of an article, both ready to be written in."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from obverse.addresses import slug
from obverse.bundled import bundled
from obverse.problems import Problem, problem

# A file name of 255 bytes is the most that file systems take; suffixes and the temporary name of an editor want room.
_NAME_BYTES = 120

# What a folder may hold and still count as empty: traces of the tools that made it.
_TRACES = {".git", ".DS_Store"}

# Characters that neither a YAML nor a TOML string can carry as they are, with the two that mean something in it.
_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]')
_LONE_SURROGATES = re.compile(r"[\ud800-\udfff]")

# A title is one line of text, so what only moves a cursor or rings a bell parts its words. A no-break space is text.
_PARTINGS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ufeff]+")

_SITE_TITLE = re.compile(r'^title = ".*"$', re.MULTILINE)

_IGNORED = """\
# made by Obverse, disposable
/.obverse/
/site/

# made by Obverse, never disposable: data, uploads, secrets
/var/

# the environment
/.venv/
/.venv.lock
"""

_TEMPLATES = """\
# The designer's desk

This folder is empty because the site wears the default theme. A file put here replaces the theme's file of the same
name: `article.html`, `components/cta.html`, `assets/app.css`, `words/en.toml` …

To change a part and keep the rest, extend the theme's file and fill one of its blocks:

    {% extends "theme/article.html" %}
    {% block footer %}Our own words{% endblock %}

`theme/NAME` always means the file that comes with Obverse. The designer's manual lists every template, block and
variable.
"""


def new_site(target: Path, title: str) -> tuple[Path, ...] | Problem:
    """Make a site at `target` from the starter and return the files made, in order.

    `title` becomes the site's; "" keeps the starter's. A folder that holds something is refused, as `not-empty`; what
    stands in the way of the folder as `exists`; a disk that fails as `disk`.
    """
    try:
        return _refused(target) or tuple(_site(target, title))
    except OSError as error:
        return problem("disk", target.name, f"the site cannot be written: {error.strerror or error}")


def _refused(target: Path) -> Problem | None:
    if not target.exists() and not target.is_symlink():
        return None
    if not target.is_dir():
        return problem("exists", target.name, "there is a file of this name", hint="name another folder")
    if {one.name for one in target.iterdir()} <= _TRACES:
        return None
    return problem(
        "not-empty", target.name, "the folder is not empty", hint="name a new folder; a site is made in an empty one"
    )


def _site(target: Path, title: str) -> Iterator[Path]:
    settings = bundled("obverse.toml").read_text("utf-8")
    if line := _one_line(title):
        settings = _SITE_TITLE.sub(lambda _: f"title = {quoted(line)}", settings, count=1)
    yield _written(target / "obverse.toml", settings)
    yield _written(target / ".gitignore", _IGNORED)
    yield _written(target / "templates" / "README.md", _TEMPLATES)
    yield _copied(bundled("build.py"), target / "build.py")
    starter = bundled("content")
    for path in sorted(starter.rglob("*")):
        within = path.relative_to(starter)
        if path.is_file() and not any(part.startswith(".") or part.endswith("~") for part in within.parts):
            yield _copied(path, target / "content" / within)


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
    return path


def _copied(source: Path, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(source, path))  # not the mode: what a wheel installed may be read-only


def new_article(
    root: Path, title: str, now: datetime, dated_section: str = "articles", authors: tuple[str, ...] = ()
) -> Path | Problem:
    """Write a draft with this title and date into a dated section of the site at `root`, and return its path.

    The file is named after the title. An article of that name, as a file or a bundle, is never written over: that is
    the Problem `exists`. A time without a zone is the site's own.
    """
    name = _file_name(title) or f"article-{now:%Y-%m-%d-%H%M%S}"
    folder = root / "content" / dated_section
    path = folder / f"{name}.md"
    if (folder / name).exists():
        return _taken(folder / name, root)
    try:
        return _written(path, _article(title, now, authors))
    except OSError as error:
        if isinstance(error, FileExistsError) and path.exists():  # and not a file where a folder should be
            return _taken(path, root)
        return problem("disk", _within(path, root), f"the article cannot be written: {error.strerror or error}")


def _file_name(title: str) -> str:
    """The slug of a title, fit for a file: short, not a language's variant, not a bundle's own page, not hidden."""
    plain = slug(_LONE_SURROGATES.sub("", _one_line(title))).replace(".", "-").strip("-_")
    if len(os.fsencode(plain)) > _NAME_BYTES:
        cut = plain.encode()[:_NAME_BYTES].decode(errors="ignore")
        plain = (cut.rpartition("-")[0] or cut).strip("-_")
    return "index-article" if plain == "index" else plain


def _article(title: str, now: datetime, authors: tuple[str, ...]) -> str:
    lines = [f"title: {quoted(_one_line(title))}", f"date: {now.isoformat(timespec='seconds')}"]
    if authors:
        lines.append(f"authors: [{', '.join(map(quoted, authors))}]")
    return "\n".join(["---", *lines, "draft: true", "---", "", ""])


def _one_line(title: str) -> str:
    return _PARTINGS.sub(" ", title).strip()


def quoted(text: str) -> str:
    r"""The text as a double-quoted string, which YAML and TOML read alike whatever it holds.

    Half a surrogate pair, which no file can hold, becomes U+FFFD.
    """
    whole = _LONE_SURROGATES.sub("\ufffd", text)
    return '"' + _ESCAPED.sub(lambda char: _escape(char.group()), whole) + '"'


def _escape(char: str) -> str:
    return "\\" + char if char in '"\\' else f"\\u{ord(char):04x}"


def _taken(path: Path, root: Path) -> Problem:
    return problem("exists", _within(path, root), "there is an article of this name", hint="choose another title")


def _within(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
