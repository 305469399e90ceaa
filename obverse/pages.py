"""Parse and survey, remembered: the Markdown sources under `content/` -> surveyed pages, each worked on once.

A page whose source and rules are as they were comes back from the ledger; a body that was ever surveyed, from the memo.
"""

from __future__ import annotations

import contextlib
import marshal
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from sys import intern
from typing import Any, TypeAlias

from obverse import compiled
from obverse.config import Config
from obverse.facts import Facts, Part, Place
from obverse.hooks import Hooks
from obverse.ledger import PlainProblems, Table, problems_in, problems_out
from obverse.markup import MarkupOptions
from obverse.memo import Memo, Row, rows
from obverse.names import CONTENT, is_page
from obverse.page import Page
from obverse.placing import address
from obverse.problems import Problem, problem
from obverse.rows import whole
from obverse.site import Entry, Glance, Surveyed
from obverse.sources import Source, bytes_of, digest_of
from obverse.workers import located, spread

# Fewer pages than this are read before a second process has begun.
ENOUGH = 24
# A worker is given this many at a time, so that it goes on while this process is busy.
_FEW, _MANY = 8, 64

# Pages that are unpacked at a time: what is asked of one is mostly asked at once.
_AT_HAND = 64

# Where a facts record (`survey.survey_record`) has what a glance needs; it begins with the gist that a card needs.
WORDS, PROBLEMS = 2, 5
GIST = 3

Record: TypeAlias = tuple[str, str, str, tuple[Any, ...], bytes]
"""(source digest, rules, body key, glance, page record and facts record packed)."""

Placer: TypeAlias = Callable[[Page, tuple[Any, ...], str, str], tuple[Any, ...]]
"""(page, gist of its body, source digest, rules) -> its place, a `standing.Placed`."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How pages are read: the settings, the hooks, the names bodies may call, and what is remembered.

    `rules` is whatever else a page's reading depends on; `progress` is told how far the work has come. `place` gives
    a page its place as soon as it is read; what it gave is then in `placed`, by content path. `meanwhile` is
    called once when others have begun to read, so that this process does something useful too.
    """

    config: Config
    hooks: Hooks
    components: frozenset[str]
    rules: str
    memo: Memo
    known: Table[Record]
    progress: Any
    place: Placer
    meanwhile: Callable[[], None]
    workers: int = 1
    placed: dict[str, Any] = field(default_factory=dict)

    def records(self, sources: Iterable[Source]) -> tuple[dict[str, Record], list[Problem]]:
        """The record of every page by content path, and the files that could not be read."""
        rules, before = self.page_rules(), whole(self.known)
        found: dict[str, Record] = {}
        unknown: list[Source] = []
        for source in sources:
            if is_page(source.path):
                path = source.path.removeprefix(CONTENT)
                known = before.get(path)
                if known and known[0] == source.digest and known[1] == rules:
                    found[path] = known
                else:
                    unknown.append(source)
        return found, self._read_all(unknown, rules, found) if unknown else []

    def records_again(self, changed: list[Source]) -> tuple[Table[Record], list[Problem]]:
        """The same, when of all pages known none but these has changed, nor how pages are read."""
        found = self.known.copy()
        for source in changed:
            del found[source.path.removeprefix(CONTENT)]
        return found, self._read_all(changed, self.page_rules(), found) if changed else []

    def _read_all(self, unknown: list[Source], rules: str, found: Table[Record]) -> list[Problem]:
        """Read pages, by several processes when there are many, into `found`. The files that cannot be read.

        Raises StoppedError when one of the processes fails.
        """
        markup = self._markup()
        made_of = self._made_of(markup)
        many = len(unknown) >= ENOUGH
        # What ground pages stand on is foreseen for all of them at once, which is not worth its while for a few.
        placer = self.place if many else _unplaced

        def work(mine: Iterator[Source]) -> Iterator[bytes]:
            compiled.told()  # what was compiled before the fork
            for source in mine:
                yield marshal.dumps((*self._read(source, rules, markup, made_of, placer), compiled.told()))

        problems: list[Problem] = []
        if many:  # whatever reading imports is imported before the fork, once for all
            self._read(unknown[0], rules, markup, made_of, placer)
        places, chunk = [source.path for source in unknown], min(_MANY, max(_FEW, len(unknown) // 8))
        with contextlib.closing(spread(unknown, work, self.workers if many else 1, chunk=chunk)) as results:
            for number, (place, data) in enumerate(zip(places, located(results, places), strict=True)):
                if many and number == 0:
                    self.meanwhile()
                self.progress("reading", number, len(unknown))
                record, placed, remembered, reason, told, patterns = marshal.loads(data)  # noqa: S302 - from our own child
                problems.extend(problems_in(told))
                if patterns:
                    compiled.learn(patterns)
                if reason:
                    problems.append(problem("unreadable", place, f"cannot be read: {reason}"))
                else:
                    path = place.removeprefix(CONTENT)
                    found[path] = record
                    if placed:
                        self.placed[path] = placed
                    self.memo.keep(remembered)
        return problems

    def page_rules(self) -> str:
        """What a page's record depends on besides its source."""
        site = self.config.site
        markdown = self.config.markdown
        made_of = self.rules, site.timezone, site.language, site.languages, markdown, sorted(self.components)
        return intern(digest_of(repr(made_of).encode()))  # every page has it in its record

    def _read(
        self, source: Source, rules: str, markup: MarkupOptions, made_of: str, placer: Placer
    ) -> tuple[Record | None, tuple[Any, ...], list[Row], str, PlainProblems]:
        """The record of a page, its place, and what to remember of its body; or why it cannot be read.

        And what hooks did wrong.
        """
        from obverse.parse import parse, to_record

        try:
            data = bytes_of(source.file)
        except OSError as error:
            return None, (), [], (error.strerror or str(error)).lower(), ()
        digest = source.digest or digest_of(data)
        page = self.hooks.page(parse(source.path.removeprefix(CONTENT), data, self.config))
        key = _key(page, made_of)
        facts, remembered = self.memo.get(key, "facts"), []
        if facts is None:
            parts, facts = self._survey(page, markup)
            remembered = rows(key, facts=facts, parts=parts)
        glance = tuple(_glance(page, facts, self.config))
        record = digest, rules, key, glance, marshal.dumps((to_record(page), facts))
        placed = placer(page, facts[:GIST], digest, rules)
        return record, placed, remembered, "", problems_out(self.hooks.told())

    def _made_of(self, markup: MarkupOptions) -> str:
        """What every survey is made of besides its body."""
        from obverse.markup import versions

        hooked = self.rules if markup.extensions else ""
        return repr((versions(markup.engine), markup.engine, hooked, sorted(self.components)))

    def _survey(self, page: Page, markup: MarkupOptions) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The records of a body's parts and facts."""
        from obverse.survey import survey, survey_record

        made = survey(page.body, page.body_line, f"{CONTENT}{page.path}", markup, self.components)
        return survey_record(made, page.body_line)

    def parts(self, entry: Entry, source: Source) -> tuple[Part, ...]:
        """The parts of a page's body: from the memo, or worked out again when it has forgotten."""
        from obverse.survey import parts_from_record

        record = self.memo.get(entry.body, "parts")
        if record is None:
            page, markup = self._page(source), self._markup()
            record, facts = self._survey(page, markup)
            self.memo.put(_key(page, self._made_of(markup)), facts=facts, parts=record)
        return parts_from_record(record)

    def places(self, entry: Entry, source: Source) -> tuple[Place, ...]:
        """Where the slots of those parts are written: remembered too, since what is wrong is often looked at again."""
        from obverse.survey import places, places_from_record, places_record

        record = self.memo.get(entry.body, "places")
        if record is None:
            page, markup = self._page(source), self._markup()
            found = places(page.body, page.body_line, source.path, markup, self.components)
            record = places_record(found, page.body_line)
            self.memo.put(_key(page, self._made_of(markup)), places=record)
        return places_from_record(record, entry.page.body_line)

    def _page(self, source: Source) -> Page:
        """A page as its source has it now."""
        from obverse.parse import parse

        return self.hooks.page(parse(source.path.removeprefix(CONTENT), bytes_of(source.file), self.config))

    def _markup(self) -> MarkupOptions:
        return MarkupOptions(self.config.markdown.engine, self.hooks.markdown_extensions(()))


def _unplaced(_page: Page, _gist: tuple[Any, ...], _digest: str, _rules: str) -> tuple[Any, ...]:
    return ()


def _key(page: Page, made_of: str) -> str:
    """What a body's survey is remembered by: the digest of all it is made from."""
    return digest_of(f"{made_of}\n{page.body}".encode("utf-8", "surrogatepass"))


def _glance(page: Page, facts: tuple[Any, ...], config: Config) -> Glance:
    """What decides whether a page is out, so that the rest need not be unpacked to know."""
    matter = page.matter
    return Glance(
        name=page.name,
        lang=page.lang,
        draft=matter.draft,
        date=_seconds(matter.date),
        expires=_seconds(matter.expires),
        told=bool(page.problems or facts[PROBLEMS]),
        wordy=facts[WORDS] > 0,
        home=address(page, "", config) if page.name.endswith("/index") else "",
    )


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


class Pages(Mapping[str, Surveyed]):
    """Records as surveyed pages, by content path in order, each made when somebody asks for it."""

    def __init__(self, records: Mapping[str, Record]) -> None:
        """`records` are those of all pages."""
        self._records = records
        self._made: dict[str, Surveyed] = {}

    def __getitem__(self, path: str) -> Surveyed:
        """The page at a content path. Raises KeyError."""
        if path not in self._made:
            digest, _, key, glance, packed = self._records[path]
            self._made[path] = Surveyed(path, Glance._make(glance), key, digest, packed, _unpacked)
        return self._made[path]

    def __contains__(self, path: object) -> bool:
        """Whether there is such a page; nothing is unpacked."""
        return path in self._records

    def __iter__(self) -> Iterator[str]:
        """The content paths."""
        return iter(sorted(self._records))

    def __len__(self) -> int:
        """How many there are."""
        return len(self._records)


class _Unpacked:
    """The records of a page and of the facts of its body, each made of its record when somebody asks for it."""

    def __init__(self, path: str, packed: bytes) -> None:
        self._path = path
        self._page_record, self._facts_record = marshal.loads(packed)  # noqa: S302 - from the ledger, which was checked

    @cached_property
    def page(self) -> Page:
        from obverse.parse import from_record

        return from_record(self._page_record)

    @cached_property
    def facts(self) -> Facts:
        from obverse.survey import facts_from_record

        return facts_from_record(self._facts_record, f"{CONTENT}{self._path}", self.page.body_line)

    @property
    def inside(self) -> tuple[Any, ...]:
        from obverse.parse import inside_of
        from obverse.survey import headings_and_words

        body_line, *matter = inside_of(self._page_record)
        return (body_line, *headings_and_words(self._facts_record), *matter)


_unpacked = lru_cache(_AT_HAND)(_Unpacked)
