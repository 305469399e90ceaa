"""A body's HTML -> parts: literal text and slots in turn, with every heading, id and problem met on the way."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape

from obverse.facts import Call, Heading, Image, Link, Part, Place
from obverse.markup import calls, policy, prose, slugs, tags
from obverse.markup.places import Source, Unseen
from obverse.problems import Problem, nearest, problem

# How like a component's name another must be to be taken for a slip: many texts hold calls of other systems.
_ALIKE = 0.75
_RAW = frozenset({"script", "style", "textarea", "title", "xmp", "noembed", "noframes", "iframe"})
_ALIGN = frozenset({"left", "center", "right"})
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_CAPTION = re.compile(r"<caption\b[^>]*>(.*?)</caption", re.DOTALL | re.IGNORECASE)
_ITEM_END = re.compile(r"</li|<(?:ul|ol|p|/p|div|pre|table)\b", re.IGNORECASE)


@dataclass(slots=True)
class Cut:
    """What became of a body's HTML. `places` are those of its slots, in their order."""

    parts: list[Part] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    title: str = ""
    headings: list[Heading] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def cut(html: str, source: Source, path: str, found: list[calls.Found], components: frozenset[str]) -> Cut:
    """The parts of a body's HTML, in which `found` stand as tokens. With an `Unseen` source nothing has a place."""
    cutter = _Cutter(calls.settled(html, found) if found else html, source, path, found, components)
    cutter.run()
    return cutter.cut


def cut_unseen(html: str, path: str, found: list[calls.Found], components: frozenset[str]) -> Cut:
    """The same without places; when there are problems, they may be others than those that are seen in the source."""
    return cut(html, Unseen(), path, found, components)


class _Cutter:
    """One walk over the tags of one body."""

    def __init__(
        self, html: str, source: Source, path: str, found: list[calls.Found], components: frozenset[str]
    ) -> None:
        self.cut = Cut()
        self._html = html
        self._source = source
        self._path = path
        self._found = found
        self._components = components
        self._text: list[str] = []
        self._past = 0
        self._tables = 0
        self._labels: set[str] = set()
        self._taken: dict[str, int] = {}
        self._first = True
        self._closes: dict[str, int] = {}
        self._level = 1

    def run(self) -> None:
        matches = [match for match in tags.TAG.finditer(self._html) if match.lastgroup]
        self._taken = dict.fromkeys(_explicit_ids(matches), 0)
        for match in matches:
            if match.start() >= self._past:
                link = match["link"]
                if link:
                    self._plain_link(match, link)
                else:
                    self._tag(match, match["name"].lower())
        self._literal(self._html[self._past :])
        self._flush()

    def _tag(self, match: re.Match[str], name: str) -> None:
        if match["close"]:
            if name == "table" and self._tables:
                self._close_table(match)
            return
        rule = _RULES.get(name)
        if rule is not None:
            rule(self, match, name)
        elif match["attributes"]:
            self._rewrite(match, name)

    # -- tags with a rule of their own

    def heading(self, match: re.Match[str], name: str) -> None:
        close = self._close(name, match.end())
        inner = self._html[match.end() : close.start() if close else match.end()]
        shown = prose.without_notes(inner)
        if self._found:
            shown = calls.SLOT.sub("", shown)
        text, level = tags.plain(shown), int(name[1])
        place = self._source.heading(level)
        opens, self._first = self._first and self._opens_body(match.start()), False
        if level == 1 and text and close and opens:
            self.cut.title = text
            # A link to the title leads to the page: its top is where the title stands.
            self.cut.ids.add(slugs.slug(text))
            self._skip(match.start(), close.end())
            return
        self._check_level(level, place)
        attributes = tags.attributes(match["attributes"])
        given = next((one.value for one in attributes if one.name == "id" and one.value), "") if attributes else ""
        anchor = given or slugs.unique(slugs.slug(text), self._taken)
        self.cut.headings.append(Heading(level, anchor, text, prose.inline(shown)))
        if given:
            self._rewrite(match, name)
        else:
            self.cut.ids.add(anchor)
            # An id made of a text holds letters, digits, hyphens: nothing to escape.
            self._rewrite(match, name, f' id="{anchor}"')

    def _close(self, name: str, start: int) -> re.Match[str] | None:
        """The tag that closes an element; where there is none it is not looked for again."""
        if start >= self._closes.get(name, len(self._html) + 1):
            return None
        found = _closing(name).search(self._html, start)
        if found is None:
            self._closes[name] = start
        return found

    def _opens_body(self, start: int) -> bool:
        return not self.cut.parts and not _COMMENT.sub("", "".join(self._text) + self._html[self._past : start]).strip()

    def _check_level(self, level: int, place: Place) -> None:
        if level == 1:
            self._problem("second-h1", "a page has one level-1 heading, its title", place, "begin this one with '##'")
        elif level > self._level + 1:
            self._problem(
                "heading-jump",
                f"a level-{level} heading follows level {self._level}",
                place,
                f"begin it with '{'#' * (self._level + 1)}'",
            )
        self._level = level

    def image(self, match: re.Match[str], name: str) -> None:
        attributes = tags.attributes(match["attributes"])
        values = {one.name: one.value for one in reversed(attributes)}
        destination, alt = values.get("src") or "", values.get("alt")
        place, offset = self._source.near(destination)
        kept = tuple((one.name, one.value) for one in self._kept(attributes, place) if one.name not in ("src", "alt"))
        verdict = policy.address(name, destination)
        if verdict:
            self._verdict(verdict, place)
        if "alt" in values and alt is None:
            alt = ""
        if not alt and (alt is None or self._source.holds_picture(offset)):
            hint = 'say what it shows, or write <img src="…" alt=""> for one that only decorates'
            self._problem("missing-alt", "an image without a text for those who cannot see it", place, hint)
        self._slot(match, Image(destination, alt, kept), place)

    def table(self, match: re.Match[str], name: str) -> None:
        self._tables += 1
        if self._tables == 1:
            self._literal(self._html[self._past : match.start()])
            self._past = match.start()
            label = tags.attribute("aria-label", slugs.label(self._table_name(match.end()), self._labels))
            self._text.append(f'<div class="table" role="region" tabindex="0"{label}>')
        self._rewrite(match, name)

    def _table_name(self, start: int) -> str:
        close = self._html.find("</table", start)
        caption = _CAPTION.search(self._html, start, len(self._html) if close < 0 else close)
        if caption:
            return tags.plain(caption[1])
        return self.cut.headings[-1].text if self.cut.headings else ""

    def _close_table(self, match: re.Match[str]) -> None:
        self._tables -= 1
        if not self._tables:
            self._literal(self._html[self._past : match.end()] + "</div>")
            self._past = match.end()

    def input(self, match: re.Match[str], name: str) -> None:
        values = {one.name: one.value for one in tags.attributes(match["attributes"])}
        if (values.get("type") or "").lower() != "checkbox" or "disabled" not in values or "aria-label" in values:
            self._rewrite(match, name)
            return
        end = _ITEM_END.search(self._html, match.end())
        text = tags.plain(calls.SLOT.sub("", self._html[match.end() : end.start() if end else len(self._html)]))
        checked = " checked" if "checked" in values else ""
        self._replace(match, f'<input type="checkbox" disabled{checked}{tags.attribute("aria-label", text or "Task")}>')

    def raw(self, match: re.Match[str], name: str) -> None:
        """An element whose content is not HTML: passed over, or taken out when it may not be there."""
        close = self._close(name, match.end())
        end = close.end() if close else len(self._html)
        values = {one.name: one.value for one in tags.attributes(match["attributes"])}
        verdict = policy.element(name, values)
        if verdict:
            self._verdict(verdict, self._source.tag(name))
        if verdict and name in ("script", "style"):
            self._skip(match.start(), end)
            return
        self._rewrite(match, name)
        self._literal(self._html[self._past : end])
        self._past = end

    def judged(self, match: re.Match[str], name: str) -> None:
        values = {one.name: one.value for one in tags.attributes(match["attributes"])}
        verdict = policy.element(name, values)
        if verdict:
            self._verdict(verdict, self._source.tag(name))
        if verdict and verdict.code == "forbidden-tag":
            self._skip(match.start(), match.end())
        else:
            self._rewrite(match, name)

    # -- attributes

    def _rewrite(self, match: re.Match[str], name: str, added: str = "") -> None:
        """The tag with what may not stand in it taken out, and a slot for each place it names."""
        if not match["attributes"]:
            if added:
                self._replace(match, f"<{match['name']}{added}>")
            return
        attributes = tags.attributes(match["attributes"])
        named = policy.PLACES.get(name, ())
        if name == "a":
            self.cut.ids.update(one.value for one in attributes if one.name == "name" and one.value)
        written = (one for one in attributes if one.name in named and one.value)
        places = {one.name: self._source.address(one.name, one.value or "", one.written) for one in written}
        here = next(iter(places.values()), None)
        kept = self._kept(attributes, here)
        if name in ("source", "link") and any(one.name in policy.LISTS for one in attributes):
            self._skip(match.start(), match.end())
            return
        if not places and not added and kept == attributes:
            return
        self._literal(f"{self._html[self._past : match.start()]}<{match['name']}{added}")
        self._past = match.end()
        relation = next((one.value or "" for one in attributes if one.name == "rel"), "")
        for one in kept:
            if one.name in places and one.value:
                self._link(name, one, places[one.name], relation)
            else:
                self._text.append(f" {one.written}")
        self._text.append("/>" if match["attributes"].rstrip().endswith("/") else ">")

    def _plain_link(self, match: re.Match[str], destination: str) -> None:
        """A link with nothing but a destination, as most are: what `_rewrite` does, without its questions."""
        place = self._source.address("href", destination, f'href="{destination}"')
        verdict = policy.scheme(destination) if ":" in destination else None
        if verdict:
            self._verdict(verdict, place)
        start, end = match.span()
        self._text.append(f'{self._html[self._past : start]}<a href="')
        self._past = end
        self._flush()
        self._put(Link("a", "href", destination), place)
        self._text.append('">')

    def _link(self, name: str, one: tags.Attribute, place: Place, relation: str) -> None:
        destination = one.value or ""
        verdict = policy.address(name, destination, relation)
        if verdict:
            self._verdict(verdict, place)
        self._text.append(f' {one.name}="')
        self._flush()
        self._put(Link(name, one.name, destination), place)
        self._text.append('"')

    def _kept(self, attributes: list[tags.Attribute], here: Place | None) -> list[tags.Attribute]:
        kept, classes = [], []
        for one in attributes:
            aligned = _alignment(one)
            if aligned:
                classes.append(aligned)
            elif self._may_stay(one, here):
                kept.append(one)
        return _with_classes(kept, classes) if classes else kept

    def _may_stay(self, one: tags.Attribute, here: Place | None) -> bool:
        name = one.name
        if name == "id":
            self._id(one)
        elif name.startswith("on"):
            message = f"the handler '{name}' does not run under the site's policy"
            self._problem(
                "inline-script",
                message,
                here or self._source.attribute(one.value, one.written),
                "put it into templates/assets/",
            )
            return False
        elif name in ("style", "background"):
            message = f"the attribute '{name}' was left out: the site's policy allows no inline styles"
            self._problem(
                "inline-style",
                message,
                here or self._source.attribute(one.value, one.written),
                "use a class, such as {: .wide }",
            )
            return False
        elif name in policy.LISTS:
            message = f"'{name}' was left out"
            hint = "name the largest picture in src: the sizes are made from it"
            self._problem("srcset", message, here or self._source.attribute(one.value, one.written), hint)
            return False
        return name != "ping"

    def _id(self, one: tags.Attribute) -> None:
        if one.value in self.cut.ids:
            message = f"the id '{one.value}' is used twice"
            self._problem(
                "duplicate-id",
                message,
                self._source.attribute(one.value, one.written, last=True),
                "give one of them another id",
            )
        elif one.value:
            self.cut.ids.add(one.value)

    # -- calls

    def _call(self, block: bool, found: calls.Found) -> Part:
        place = self._source.place(found.offset)
        if found.name not in self._components:
            hint = nearest(found.name, self._components)
            import difflib  # which only a slip needs

            if hint and difflib.get_close_matches(found.name, sorted(self._components), 1, _ALIKE):
                self._problem("component-unknown", f"there is no component '{found.name}'", place, hint)
        elif found.error:
            at = self._source.place(found.error_offset)
            self._problem("component-arguments", f"{found.name}: {found.error}", at, 'as in {{ name("text", 3) }}')
        else:
            self.cut.places.append(place)
            return Call(found.name, found.positional, found.named, block)
        text = escape(found.text, quote=False)
        return f"<p>{text}</p>" if block else text

    # -- putting together

    def _literal(self, text: str) -> None:
        self._text.append(text)

    def _skip(self, start: int, end: int) -> None:
        self._literal(self._html[self._past : start])
        self._past = end

    def _replace(self, match: re.Match[str], text: str) -> None:
        self._literal(self._html[self._past : match.start()] + text)
        self._past = match.end()

    def _slot(self, match: re.Match[str], part: Part, place: Place) -> None:
        self._literal(self._html[self._past : match.start()])
        self._flush()
        self._put(part, place)
        self._past = match.end()

    def _put(self, part: Part, place: Place) -> None:
        self.cut.parts.append(part)
        self.cut.places.append(place)

    def _flush(self) -> None:
        text = "".join(self._text)
        self._text.clear()
        if not self._found:
            if text:
                self._add(text)
            return
        past = 0
        for slot in calls.SLOT.finditer(text):
            self._add(text[past : slot.start()])
            self._add(self._call(slot[1] == calls.BLOCK_OPEN, self._found[int(slot[2])]))
            past = slot.end()
        self._add(text[past:])

    def _add(self, part: Part) -> None:
        if not part:
            return
        parts = self.cut.parts
        if isinstance(part, str) and parts and isinstance(parts[-1], str):
            parts[-1] += part
        else:
            parts.append(part)

    # -- problems

    def _verdict(self, verdict: policy.Verdict, place: Place) -> None:
        self._problem(verdict.code, verdict.message, place, verdict.hint)

    def _problem(self, code: str, message: str, place: Place, hint: str) -> None:
        self.cut.problems.append(
            problem(code, self._path, message, line=place.line, column=place.column, excerpt=place.excerpt, hint=hint)
        )


_RULES: Mapping[str, Callable[[_Cutter, re.Match[str], str], None]] = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), _Cutter.heading),
    **dict.fromkeys(_RAW, _Cutter.raw),
    **dict.fromkeys(policy.FRAMES - _RAW, _Cutter.judged),
    **dict.fromkeys((*policy.FORBIDDEN, "meta"), _Cutter.judged),
    "img": _Cutter.image,
    "table": _Cutter.table,
    "input": _Cutter.input,
}


@functools.cache
def _closing(name: str) -> re.Pattern[str]:
    """The closing tag of a heading, or of an element whose content is not HTML."""
    return re.compile(rf"<(?i:/{name}\s*>)")  # a first character of one case is found many times as fast


def _explicit_ids(matches: list[re.Match[str]]) -> set[str]:
    taken = set()
    for match in matches:
        written = match["attributes"]
        if written and ("id" in written or "ID" in written or "name" in written):
            for one in tags.attributes(written):
                if one.value and (one.name == "id" or (one.name == "name" and match["name"] == "a")):
                    taken.add(one.value)
    return taken


def _alignment(one: tags.Attribute) -> str:
    if one.name == "align" and (one.value or "").strip().lower() in _ALIGN:
        return (one.value or "").strip().lower()
    return policy.alignment(one.value or "") if one.name == "style" else ""


def _with_classes(kept: list[tags.Attribute], classes: list[str]) -> list[tags.Attribute]:
    had = next((one.value or "" for one in kept if one.name == "class"), "")
    value = " ".join([*had.split(), *classes])
    rest = [one for one in kept if one.name != "class"]
    return [*rest, tags.Attribute("class", value, tags.attribute("class", value)[1:])]
