r"""Parse: a source's bytes -> a `Page`, with every problem of its front matter. Pure, and it never raises.

Words that other generators use for a core key are taken for it without a problem, in any case and with `-` or `_`:

    author -> authors; tag -> tags; categories -> category (when there is one); summary, excerpt -> description;
    lastmod, modified, last_modified_at -> updated; publishDate -> date; expiryDate, unpublishDate -> expires;
    permalink -> url; alias, redirect_from -> aliases; layout -> template (post, page, single and default say nothing);
    published: false and status: draft -> draft; status: hidden -> noindex.

A single text stands for a list of one; tags may also be one text with commas. An author may be a table with a name.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import fields
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from pathlib import PurePosixPath
from posixpath import splitext
from typing import Any
from urllib.parse import unquote

from obverse.clock import zone_of
from obverse.config import Config
from obverse.names import CONTENT
from obverse.page import Matter, Page
from obverse.problems import Level, Problem
from obverse.schema import Document, Field, Node, Table, folded, is_web_address, read
from obverse.yaml_plain import plain_front

_TEXTS = Field()

# Every key of front matter. The manual and the JSON Schema are made from this table.
MATTER_FIELDS: dict[str, Field] = {
    "title": Field(help="The name of the page; its first heading when it is missing."),
    "description": Field(also=("summary", "excerpt"), help="One or two sentences, for lists and for search engines."),
    "date": Field("datetime", also=("publishdate",), help="When it is published; a date in the future schedules it."),
    "updated": Field(
        "datetime", also=("lastmod", "modified", "last_modified_at"), help="When it was last changed in substance."
    ),
    "expires": Field("datetime", also=("expirydate", "unpublishdate"), help="When it leaves the site again."),
    "draft": Field("boolean", help="true keeps the page out of the site; only the preview shows it."),
    "authors": Field(
        "list",
        of=Field(name_key="name"),
        also=("author",),
        help="Who wrote it: names, or the names of files in content/authors/.",
    ),
    "tags": Field("list", of=_TEXTS, commas=True, also=("tag",), help="What it is about, in any number of words."),
    "category": Field(
        "list", of=_TEXTS, max=1, also=("categories",), help="The one category it belongs to; more belong into tags."
    ),
    "series": Field(help="The series of articles it is a part of."),
    "image": Field("image", help="The picture that stands for the page, relative to the file or from the top with /."),
    "image_alt": Field(help="What that picture shows, for those who cannot see it."),
    "form": Field(help="The name of the form in the page, a file in content/forms/."),
    "cta": Field(help="The name of the page's call to action."),
    "slug": Field(help="The last part of the page's address, instead of the file's name."),
    "url": Field(also=("permalink",), help="The whole address on this site, such as /about/."),
    "aliases": Field(
        "list", of=_TEXTS, also=("alias", "redirect_from"), help="Former addresses on this site, which then lead here."
    ),
    "template": Field(
        pattern=r"[\w-]+(?:/[\w-]+)*(?:\.html)?",
        help="The template that shows the page, by its name without .html.",
    ),
    "type": Field(help="The kind of page, such as article, when the folder does not tell."),
    "weight": Field(
        "number", default=0, whole=True, min=-1_000_000, max=1_000_000, help="Its place among the pages of a section."
    ),
    "toc": Field("boolean", default=None, help="false hides the table of contents."),
    "noindex": Field("boolean", help="true asks search engines to leave the page out."),
    "canonical": Field(help="The address of the original, when this page is a copy of another."),
    "extra": Field("object", help="Values of your own for the templates, there as page.extra."),
}

# What only other generators call so; read, and turned into core keys.
_FOREIGN_FIELDS: dict[str, Field] = {
    "published": Field("boolean", default=None),
    "status": Field("choice", options=("published", "draft", "hidden")),
    "layout": Field(),
}
_ALL_FIELDS = {**MATTER_FIELDS, **_FOREIGN_FIELDS}
_LAYOUTS_OF_NOTE = frozenset(("", "post", "page", "single", "default", "article", "home", "none", "null"))

_DATED = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[-_ ](.*))?", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def parse(path: str, data: bytes, config: Config) -> Page:
    """The page of a file under `content/`; `path` is relative to it. What is wrong is in its `problems`."""
    path = unicodedata.normalize("NFC", path)
    text, problems = decoded_text(CONTENT + path, data)
    node, body, body_line, front = _split(text, CONTENT + path)
    # What is wrong with front matter is in its lines: those of the body are never shown.
    document = Document.of(CONTENT + path, text[: len(text) - len(body)])
    name, lang = name_and_language(path, config)
    values, found = _values(node, document)
    matter, wrong = _Reading(document, node, config).matter(values, name)
    return Page(
        path=path,
        name=name,
        lang=lang,
        matter=matter,
        body=body,
        body_line=body_line,
        places=_places(node),
        problems=tuple(sorted((*problems, *front, *found, *wrong), key=lambda one: one.sort_key)),
    )


def _split(text: str, path: str) -> tuple[Node | None, str, int, tuple[Problem, ...]]:
    """The front matter, the body, the line it begins on, and what is wrong with the front matter."""
    plain = plain_front(text)
    if plain is not None:
        return (*plain, ())
    from obverse.frontmatter import split  # it brings YAML along, which most builds never need

    front = split(text, path)
    return front.node, front.body, front.body_line, front.problems


def dated_name(name: str) -> tuple[date | None, str]:
    """A file's name without suffix as its date and the rest: "2024-01-05-title" -> 5 January 2024, "title".

    A name that is nothing but a date keeps its whole text as the rest.
    """
    found = _DATED.fullmatch(name)
    if found is None:
        return None, name
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None, name
    return day, found[4] or name


def decoded_text(path: str, data: bytes) -> tuple[str, tuple[Problem, ...]]:
    r"""The text of a file with "\n" at every line's end, without byte-order mark and NULs."""
    try:
        text = _one_line_end(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return "", (_not_utf8(path, data, error.start),)
    if "\x00" not in text:
        return text, ()
    at = text.index("\x00")
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    nul = Document.of(path, text).problem(
        "nul", "holds NUL characters, which are left out", line, column, "delete them"
    )
    return text.replace("\x00", ""), (nul,)


def _one_line_end(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _not_utf8(path: str, data: bytes, start: int) -> Problem:
    utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    hint = "the file is UTF-16; save it as UTF-8" if utf16 else "save the file as UTF-8"
    # What comes before the first bad byte is UTF-8, so its place can be counted in characters.
    before = _one_line_end(data[:start].decode("utf-8-sig", "replace"))
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    document = Document.of(path, _one_line_end(data.decode("utf-8-sig", "replace")))
    return document.problem("unreadable", f"not UTF-8: byte 0x{data[start]:02X}", line, column, hint)


def name_and_language(path: str, config: Config) -> tuple[str, str]:
    """The path without suffix and language, and the language: pricing.de.md is German only where de is configured."""
    usual = path.endswith(".md") and "//" not in path and "./" not in path and "/.md" not in path and len(path) > 3
    stem = path[:-3] if usual else str(PurePosixPath(path).with_suffix(""))
    base, dot, last = stem.rpartition(".")
    if dot and base and not base.endswith("/"):
        for lang in (config.site.language, *config.site.languages):
            if last.lower() == lang.lower():
                return base, lang
    return stem, config.site.language


def without_language(path: str, config: Config) -> str:
    """The content path without its language: what identifies a page across translations."""
    return name_and_language(path, config)[0] + splitext(path)[1]


def _values(node: Node | None, document: Document) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    if node is None:
        return {}, ()
    entries = node.value.entries if isinstance(node.value, Table) else ()
    names = [_CORE_NAMES.get(one.key) or _CORE_NAMES.get(folded(one.key), "") for one in entries]
    if not names or "" in names:
        return read(_ALL_FIELDS, node, document, loose=True)
    # Where every key is known, the fields that are not given need not be looked at.
    fields = {name: _ALL_FIELDS[name] for name in names}
    values, problems = read(fields, node, document, loose=True, names=_CORE_NAMES)
    return _EMPTY | values, problems


def _places(node: Node | None) -> dict[str, tuple[int, int]]:
    """Where each key stands, by the name Obverse knows it by."""
    places: dict[str, tuple[int, int]] = {}
    if node is not None and isinstance(node.value, Table):
        for entry in node.value.entries:
            key = _CORE_NAMES.get(entry.key) or _CORE_NAMES.get(folded(entry.key), entry.key)
            places.setdefault(key, (entry.line, entry.column))
    return places


_CORE_NAMES = {folded(other): key for key, one in _ALL_FIELDS.items() for other in (key, *one.also)}
_EMPTY = {key: one.empty for key, one in _ALL_FIELDS.items()}


class _Reading:
    """One page's typed values on their way into its `Matter`."""

    def __init__(self, document: Document, node: Node | None, config: Config) -> None:
        self.document = document
        self.table = node.value if node is not None and isinstance(node.value, Table) else Table()
        self.config = config
        self.problems: list[Problem] = []

    def matter(self, values: dict[str, Any], name: str) -> tuple[Matter, list[Problem]]:
        """The front matter, typed and mended, and what could not be mended."""
        if not values:
            return Matter(date=self._name_date(name), extra={}), []
        layout = "" if values["layout"].lower() in _LAYOUTS_OF_NOTE else values["layout"]
        matter = Matter(
            title=_one_line(values["title"]),
            description=_one_line(values["description"]),
            date=self._moment(values["date"]) or self._name_date(name),
            updated=self._moment(values["updated"]),
            expires=self._moment(values["expires"]),
            draft=values["draft"] or values["published"] is False or values["status"] == "draft",
            authors=_names(values["authors"]),
            tags=_names(values["tags"]),
            category="".join(_names(values["category"])),
            series="".join(_names((values["series"],))),
            image=values["image"],
            image_alt=_one_line(values["image_alt"]),
            form=values["form"],
            cta=values["cta"],
            slug=self._slug(values["slug"]),
            url=self._local("url", values["url"]),
            aliases=tuple(dict.fromkeys(filter(None, (self._local("aliases", one) for one in values["aliases"])))),
            template=(values["template"] or layout).removesuffix(".html"),
            type=values["type"],
            weight=values["weight"],
            toc=values["toc"],
            noindex=values["noindex"] or values["status"] == "hidden",
            canonical=self._canonical(values["canonical"]),
            extra=dict(values["extra"]),
        )
        self._order(matter.date, matter.expires)
        self._direction_marks()
        return matter, self.problems

    def _moment(self, moment: datetime | None) -> datetime | None:
        """The moment with a fixed offset, so that it is the same value after it was written down and read again."""
        if moment is None:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone_of(self.config.site.timezone))
        return moment.replace(tzinfo=timezone(moment.utcoffset() or timedelta()))

    def _name_date(self, name: str) -> datetime | None:
        parts = name.split("/")
        last = parts[-2] if parts[-1] == "index" and len(parts) > 1 else parts[-1]
        day = dated_name(last)[0]
        return self._moment(datetime(day.year, day.month, day.day)) if day and 1000 <= day.year <= 9998 else None  # noqa: DTZ001

    def _slug(self, text: str) -> str:
        """One part of an address: slashes and blanks around it are dropped, blanks in it become hyphens."""
        if not text:
            return ""
        slug = re.sub(r"\s+", "-", unicodedata.normalize("NFC", text).strip(" \t\n/"))
        complaint = _unsafe_segment(slug) if slug else ""
        if not complaint and "/" in slug:
            complaint = "must be one part of an address, without '/'"
        if complaint:
            self._tell("unsafe-url", "slug", f"'slug' {complaint}", "for a whole address use the key url")
            return ""
        return slug

    def _local(self, key: str, text: str) -> str:
        """An address on this site, decoded, with a slash at its start; "" and a problem for anything else."""
        if not text:
            return ""
        path = unicodedata.normalize("NFC", unquote(text.strip()))
        complaint = _unsafe_path(path)
        if complaint:
            hint = "write an address on this site, such as /about/"
            self._tell("unsafe-url", key, f"'{key}' {complaint}: '{text}'", hint, text)
            return ""
        return "/" + path.removeprefix("/")

    def _canonical(self, text: str) -> str:
        if not text or is_web_address(text) or (text.startswith("/") and not _unsafe_path(unquote(text))):
            return text
        hint = "write https://… or an address on this site, such as /about/"
        self._tell("bad-value", "canonical", f"'canonical' must be an address, not '{text}'", hint)
        return ""

    def _order(self, start: datetime | None, end: datetime | None) -> None:
        if start is not None and end is not None and end <= start:
            self._tell("bad-value", "expires", "'expires' must be later than 'date'", "swap them or mend the year")

    def _direction_marks(self) -> None:
        """Warn of marks that would turn the direction of what a list prints after this page's words."""
        for entry in self.table.entries:
            items = entry.node.value if isinstance(entry.node.value, tuple) else (entry.node,)
            for node in items:
                text = node.value if isinstance(node.value, str) else ""
                mark = "" if text.isascii() else _loose_mark(text)
                if mark:
                    message = f"the direction mark U+{ord(mark):04X} has no partner in '{entry.key}'"
                    hint = "delete it, or close it"
                    self.problems.append(self.document.problem("bidi-mark", message, node.line, node.column, hint))

    def _tell(self, code: str, key: str, message: str, hint: str, text: str = "") -> None:
        """Add a problem at the value of a key; of a list, at the item that is `text`."""
        entry = next((one for one in self.table.entries if _CORE_NAMES.get(folded(one.key)) == key), None)
        node = entry.node if entry else Node(None)
        if isinstance(node.value, tuple):
            node = next((item for item in node.value if item.value == text), node)
        self.problems.append(self.document.problem(code, message, node.line, node.column, hint))


_MARKS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def _loose_mark(text: str) -> str:
    """The first direction mark that is not closed, or closes nothing; "" when there is none."""
    opened: list[str] = []
    for mark in _MARKS.findall(text):
        if mark not in "\u202c\u2069":
            opened.append(mark)
        elif opened and (opened[-1] >= "\u2066") == (mark == "\u2069"):
            opened.pop()
        else:
            return str(mark)
    return opened[0] if opened else ""


def _one_line(text: str) -> str:
    return " ".join(text.split()) if "\n" in text or "  " in text else text


@lru_cache(1_024)  # there are few, and many pages with the same ones
def _names(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Names as they are compared: composed letters, single blanks, each once."""
    plain = (_one_line(unicodedata.normalize("NFC", text)) for text in texts)
    return tuple(dict.fromkeys(text for text in plain if text))


def _unsafe_path(path: str) -> str:
    """What is wrong with a decoded address on this site, "" when nothing is."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//|\\\\", path):
        return "must be an address on this site, without a host"
    if "?" in path or "#" in path:
        return "must not hold a query or a fragment"
    if ":" in path:
        return "must not hold ':'"
    segments = path.removeprefix("/").removesuffix("/").split("/")
    if segments == [""]:
        return ""
    return next(filter(None, map(_unsafe_segment, segments)), "")


def _unsafe_segment(segment: str) -> str:
    if segment in ("", ".", ".."):
        return "must not hold '..', '.' or '//'"
    if _CONTROL.search(segment) or "\\" in segment or re.search("%[0-9A-Fa-f]{2}", segment):
        return "must not hold control characters, backslashes or doubly encoded characters"
    if re.search(r"[?#:]", segment):
        return "must not hold '?', '#' or ':'"
    if segment.startswith(".") and segment != ".well-known":
        return "must not begin with a dot"
    return "is too long" if len(segment.encode()) > 200 else ""


_KEYS = tuple(one.name for one in fields(Matter))
_MOMENTS = tuple(_KEYS.index(key) for key in ("date", "updated", "expires"))


_INSIDE = tuple(_KEYS.index(key) for key in ("expires", "canonical", "form", "cta", "toc", "draft"))


def to_record(page: Page) -> tuple[Any, ...]:
    """A page without its body as plain values that `marshal` can write."""
    matter: list[Any] = [getattr(page.matter, key) for key in _KEYS]
    for at in _MOMENTS:
        matter[at] = matter[at].isoformat() if matter[at] else ""
    matter[_KEYS.index("extra")] = dict(page.matter.extra)
    problems = tuple(
        (one.code, one.path, one.message, one.line, one.column, one.excerpt, one.hint, str(one.level))
        for one in page.problems
    )
    return (page.path, page.name, page.lang, tuple(matter), page.body_line, dict(page.places), problems)


def inside_of(record: tuple[Any, ...]) -> tuple[Any, ...]:
    """Of a record the line its body begins on, and `expires`, `canonical`, `form`, `cta`, `toc` and `draft`."""
    matter = record[3]
    expires, *others = (matter[at] for at in _INSIDE)
    return (record[4], datetime.fromisoformat(expires) if expires else None, *others)


def from_record(record: tuple[Any, ...]) -> Page:
    """The page of a record; its body is ""."""
    path, name, lang, values, body_line, places, told = record
    matter = list(values)
    for at in _MOMENTS:
        matter[at] = datetime.fromisoformat(matter[at]) if matter[at] else None
    problems = tuple(Problem(*(*one[:7], Level(one[7]))) for one in told)
    return Page(path, name, lang, Matter(*matter), "", body_line, places, problems)
